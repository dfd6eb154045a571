// Keys and dialogs of the review page.

const review = document.querySelector("[data-review]");

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function follow(rel) {
  const link = review.querySelector(`a[rel="${rel}"]`);
  if (link) link.click();
}

// With undecided disagreements one key is not enough, as it is not for many items.
function approve() {
  const button = review.querySelector("[data-approve]");
  if (!button) return;
  if (button.dataset.undecided === undefined) {
    button.click();
    return;
  }
  button.focus();
  announce("Annotators differ. Press Enter to approve the item as it is.", "warning");
}

const KEYS = {
  a: approve,
  r: () => review.querySelector("[data-return]") && review.querySelector("#notes").focus(),
  ArrowLeft: () => follow("prev"),
  ArrowRight: () => follow("next"),
  k: () => follow("prev"),
  j: () => follow("next"),
  "?": () => review.querySelector("#review-help").showModal(),
};

if (review) {
  // What is typed after an error belongs into its field: elsewhere letters are keys.
  if (document.getElementById("refused")) review.querySelector("[aria-invalid=true]")?.focus();
  document.addEventListener("keydown", (event) => {
    const inNote = event.target.closest?.("[data-decision] textarea");
    if (inNote && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      review.querySelector("[data-return]")?.click();
      return;
    }
    if (inNote && event.key === "Escape") {
      inNote.blur();
      return;
    }
    const isOpen = document.querySelector("dialog[open]") !== null;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isOpen || isTyping(event.target)) return;
    // A region that scrolls has the arrow keys for itself.
    const scrolls = event.target.closest?.(".table") && event.key.startsWith("Arrow");
    const act = KEYS[event.key];
    if (!act || scrolls) return;
    event.preventDefault();
    act();
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open-dialog]");
  if (button) document.getElementById(button.dataset.openDialog).showModal();
});

// Typed notes stay over a decision on a value, which is another form, until they are sent or the tab is closed.
const decision = review?.querySelector("[data-decision]");

if (decision) {
  const key = `${document.querySelector("[data-drafts]").dataset.drafts}review:${location.pathname}`;
  const texts = [...decision.querySelectorAll("textarea")];
  const keep = () => {
    const typed = texts.filter((text) => text.value).map((text) => [text.name, text.value]);
    if (typed.length) sessionStorage.setItem(key, JSON.stringify(typed));
    else sessionStorage.removeItem(key);
  };
  try {
    const kept = new Map(JSON.parse(sessionStorage.getItem(key) || "[]"));
    // After a rejected form the page has the notes itself.
    if (texts.every((text) => !text.value)) {
      for (const text of texts) text.value = kept.get(text.name) || "";
      const onLabels = decision.querySelector(".review-comments");
      if (onLabels && texts.some((text) => text.value && onLabels.contains(text))) onLabels.open = true;
    }
    keep();
    decision.addEventListener("input", keep);
    decision.addEventListener("submit", () => sessionStorage.removeItem(key));
  } catch {
    // The browser stores nothing.
  }
}
