// Behaviour that all pages share. Scripts of single pages are files of their own.

document.documentElement.classList.add("scripted");

// Check all boxes of the name in `data-check-all`.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset.checkAll) return;
  for (const box of document.getElementsByName(target.dataset.checkAll)) box.checked = target.checked;
});

// Focus moves to the new content after a swap of the main part, as after a full load.
document.addEventListener("htmx:after:swap", () => {
  const field = document.querySelector("main [autofocus]");
  if (field) field.focus();
});

// Copy the text of the element that `data-copy` names.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value || source.textContent);
    announce("Copied.");
  } catch {
    // Browsers allow it over HTTPS and on their own machine only, and ask for it.
    window.getSelection().selectAllChildren(source);
    source.select?.();
    announce("Selected: copy it with Ctrl+C or Cmd+C.");
  }
});

// Ask before a form with `data-confirm` is sent; with `data-confirm-if`, if a box of this name is checked.
document.addEventListener(
  "submit",
  (event) => {
    const needed = event.submitter?.dataset.confirmIf;
    if (needed && !event.target.querySelector(`input[name="${needed}"]:checked`)) return;
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);

// Remove the drafts and typed notes of a person that logs out: others may use the browser.
document.addEventListener("submit", ({ target }) => {
  if (!target.dataset.drafts) return;
  try {
    for (const storage of [localStorage, sessionStorage]) {
      for (const key of Object.keys(storage)) if (key.startsWith(target.dataset.drafts)) storage.removeItem(key);
    }
  } catch {
    // The browser stores nothing.
  }
});

// Show a message in the live region.
function announce(text, kind = "info") {
  const message = document.createElement("p");
  message.className = `message ${kind}`;
  message.textContent = text;
  document.getElementById("status").replaceChildren(message);
}
