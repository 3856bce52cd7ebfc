// Shows the chosen theme before the first paint; `src/app/settings.rs` keeps it under the same key.
try {
  document.documentElement.dataset.theme = localStorage.getItem("swarmscope.theme") || "system";
} catch {
  // Site data is blocked: the page looks as the system does.
}
