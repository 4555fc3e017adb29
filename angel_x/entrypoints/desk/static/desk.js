// Ages that go on without the server, the theme, and the keys.
window.desk = (() => {
  const STALE_SECONDS = 6;
  const SILENT_SECONDS = 5;
  let heardAt = Date.now();
  let ages = {};

  const words = (seconds) => {
    if (seconds < 1) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h`;
  };

  // The browser's clock runs on while the desk is silent and while a laptop sleeps.
  const behind = () => Math.max(0, (Date.now() - heardAt) / 1000);
  const ageOf = (source) => (ages[source] == null ? null : ages[source] + behind());

  const paint = () => {
    for (const each of document.querySelectorAll("[data-source]")) {
      const age = ageOf(each.dataset.source);
      const isStale = age === null || age > Number(each.dataset.limit || STALE_SECONDS);
      each.classList.toggle("ax-stale", isStale);
    }
    for (const each of document.querySelectorAll("[data-age]")) {
      const age = ageOf(each.dataset.age);
      const isStale = age !== null && age > Number(each.dataset.limit || STALE_SECONDS);
      each.textContent = age === null ? "not read yet" : isStale ? `stale since ${words(age)}` : `${words(age)} old`;
      each.classList.toggle("ax-late", isStale);
    }
    const link = document.getElementById("ax-link");
    if (!link) return;
    const silent = behind();
    const age = ageOf("market");
    let state = "live";
    let text = "Live";
    if (silent > SILENT_SECONDS) [state, text] = ["lost", `Desk silent since ${words(silent)}`];
    else if (age === null) [state, text] = ["late", "Waiting for the API"];
    else if (age > STALE_SECONDS) [state, text] = ["lost", `API silent, stale since ${words(age)}`];
    else text = `Live · ${words(age)}`;
    link.dataset.state = state;
    link.textContent = text;
    document.body.classList.toggle("ax-all-stale", state === "lost");
  };
  setInterval(paint, 500);

  const theme = (name) => {
    document.documentElement.dataset.theme = name;
    if (window.Quasar) Quasar.Dark.set(name === "dark");
    window.dispatchEvent(new CustomEvent("ax-theme", { detail: name }));
  };
  const toggleTheme = () => {
    const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", name);
    theme(name);
  };

  const filter = (text) => window.dispatchEvent(new CustomEvent("ax-filter", { detail: text }));
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = document.getElementById("ax-filter");
    if (event.key === "Escape" && field && document.activeElement === field) {
      field.value = "";
      filter("");
      field.blur();
    } else if (isTyping(event.target)) {
      return;
    } else if (event.key === "/" && field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "?") {
      document.getElementById("ax-help")?.click();
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "ax-filter") filter(event.target.value);
  });

  // Quasar loads after this file.
  window.addEventListener("load", () => theme(document.documentElement.dataset.theme));

  return {
    beat: (given) => { heardAt = Date.now(); ages = given; paint(); },
    toggleTheme,
    // Posts a form, because links and scripts of other sites must not log anybody out.
    logOut: () => {
      const form = Object.assign(document.createElement("form"), { method: "post", action: "/logout" });
      document.body.append(form);
      form.submit();
    },
    // Returns whether the key was taken; the page stays as it is, with all that was typed.
    logIn: async (key) => {
      const body = new URLSearchParams({ key, next: "/login" });
      const answer = await fetch("/login", { method: "POST", body, redirect: "manual" });
      return answer.type === "opaqueredirect";
    },
  };
})();
