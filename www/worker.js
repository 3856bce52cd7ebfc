// The engine's worker: it runs the module that the page has loaded and compiled.
addEventListener(
  "message",
  async ({ data: [script, module] }) => {
    const { initSync } = await import(script);
    initSync({ module });
  },
  { once: true },
);
