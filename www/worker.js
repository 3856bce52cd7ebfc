// The engine's worker: it runs the module that the page has loaded and compiled.
addEventListener(
  "message",
  async ({ data: [script, module] }) => {
    try {
      const { initSync } = await import(script);
      initSync({ module });
    } catch (error) {
      // The page hears of it as of any other error in here; a rejected promise it would not hear of.
      reportError(error);
    }
  },
  { once: true },
);
