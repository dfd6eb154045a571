// The page to judge one item: keys, drafts, the reservation, and errors of sending. All listeners are on the document;
// `start` runs after a load and after each swap of the main part. Without this script the page is plain forms.
"use strict";

(() => {
  const DRAFT = "draft:";
  const AUTO_ADVANCE = "auto-advance";
  const INSTRUCTED = "instructed:";
  // Of messages that a notice of the page shows as well.
  const SPOKEN = "visually-hidden";
  const OLDEST = 7 * 24 * 3600 * 1000;
  const byId = (id) => document.getElementById(id);

  // State of the page that is shown.
  let initial = {};
  let restoring = false;
  let reservation = null;
  let retryTimer = 0;

  // Storage may be switched off or full: then there are no drafts.
  const storage = {
    get(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    set(key, text) {
      try {
        localStorage.setItem(key, text);
      } catch {
        // Nothing is lost but the draft.
      }
    },
    remove(key) {
      try {
        localStorage.removeItem(key);
      } catch {
        // See above.
      }
    },
    keys() {
      try {
        return Object.keys(localStorage);
      } catch {
        return [];
      }
    },
  };

  const page = () => byId("annotate");
  const form = () => byId("annotate-form");
  const labels = () => [...document.querySelectorAll("#annotate-form [data-label]")];

  // Drafts: per person and item.

  function draftKey(item = page()?.dataset.item) {
    return item && `${DRAFT}${page().dataset.user}:${item}`;
  }

  function collect() {
    const values = {};
    for (const [name, value] of new FormData(form())) {
      if (name !== "notes" && !name.startsWith("value-") && !name.startsWith("notes-")) continue;
      // Browsers post CRLF, and have LF in the field.
      const text = value.replace(/\r\n/g, "\n");
      if (text !== "") (values[name] ??= []).push(text);
    }
    return values;
  }

  function fill(values) {
    restoring = true;
    for (const field of form().elements) {
      if (!/^(value-|notes)/.test(field.name)) continue;
      const chosen = values[field.name] ?? [];
      if (field.type === "radio" || field.type === "checkbox") field.checked = chosen.includes(field.value);
      else if (field.value !== (chosen[0] ?? "")) {
        field.value = chosen[0] ?? "";
        if (field.value) field.closest("details")?.setAttribute("open", "");
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    restoring = false;
  }

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  function saveDraft() {
    if (restoring || !form()) return;
    const values = collect();
    if (same(values, initial)) storage.remove(draftKey());
    else storage.set(draftKey(), JSON.stringify({ at: Date.now(), values }));
  }

  function readDraft(key) {
    try {
      const draft = JSON.parse(storage.get(key));
      return draft && Date.now() - draft.at < OLDEST ? draft.values : null;
    } catch {
      return null;
    }
  }

  // A refused form shows what was posted, and names what is stored. The strings become those of fields, to be compared.
  function keepRefused() {
    const shown = collect();
    fill(JSON.parse(form().dataset.stored));
    initial = collect();
    fill(shown);
    saveDraft();
  }

  function restoreDraft() {
    if (form().dataset.stored) {
      keepRefused();
      return;
    }
    initial = collect();
    const values = readDraft(draftKey());
    if (!values || same(values, initial)) {
      storage.remove(draftKey());
      return;
    }
    fill(values);
    if (same(collect(), initial)) {
      storage.remove(draftKey());
      return;
    }
    byId("draft").hidden = false;
    announce("Draft restored.", SPOKEN);
  }

  function discardDraft() {
    fill(initial);
    storage.remove(draftKey());
    byId("draft").hidden = true;
    announce("Draft discarded.");
    focusLabel(0);
  }

  // A message of the server names the item whose answers it has stored.
  function removeStored() {
    for (const message of document.querySelectorAll("#status [class*='ended-']")) {
      const item = /\bended-([0-9a-f-]+)/.exec(message.className)?.[1];
      if (item) storage.remove(draftKey(item));
    }
  }

  function removeOld() {
    for (const key of storage.keys()) if (key.startsWith(DRAFT) && !readDraft(key)) storage.remove(key);
  }

  // The reservation: renewed while the person is active, at most once per third of its time.

  function startReservation() {
    const { seconds, length, reserve } = page().dataset;
    reservation = reserve
      ? { until: Date.now() + seconds * 1000, length: length * 1000, path: reserve, renewed: Date.now(), lost: false, warned: false }
      : null;
    showReservation();
  }

  function spell(seconds) {
    if (seconds <= 90) return `${seconds} seconds`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 120) return `${minutes} minutes`;
    const hours = Math.round(minutes / 60);
    return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
  }

  function showReservation() {
    const line = byId("reservation");
    if (!reservation || !line) return;
    const left = Math.ceil((reservation.until - Date.now()) / 1000);
    if (reservation.lost) line.textContent = "No longer reserved for you";
    else if (left <= 0) lose("Your reservation has ended: another person may take this item now. Your answers are kept here.", { again: true });
    else {
      line.textContent = `Reserved for you: ${spell(left)} left`;
      if (left <= 30 && !reservation.warned && reservation.length > 120_000) {
        reservation.warned = true;
        announce(`The reservation ends in ${left} seconds. Go on to renew it.`, "warning");
      }
    }
  }

  // The item can be taken again unless the server has said that it cannot.
  function lose(sentence, { again = false } = {}) {
    if (reservation.lost && byId("lost-sentence").textContent === sentence) return;
    reservation.lost = true;
    byId("take-again").hidden = !again;
    byId("lost-sentence").textContent = sentence;
    byId("lost").hidden = false;
    announce(sentence, SPOKEN);
    showReservation();
  }

  async function renew(now = false) {
    const held = reservation;
    if (!held || (!now && (held.lost || Date.now() - held.renewed < held.length / 3))) return;
    held.renewed = Date.now();
    let response;
    let body = null;
    try {
      const token = form().elements.csrfmiddlewaretoken.value;
      response = await fetch(held.path, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" } });
      body = response.redirected ? null : await response.json();
    } catch {
      // No answer: the clock shows whether the reservation holds.
    }
    if (held !== reservation) return;
    if (response?.redirected) lose("You are logged out. Your answers are kept in this browser: reload the page to log in.");
    else if (body?.message) lose(body.message);
    else if (body && response.ok) {
      if (body.seconds === null) return;
      held.until = Date.now() + body.seconds * 1000;
      held.warned = false;
      if (held.lost) {
        held.lost = false;
        byId("lost").hidden = true;
        announce("The item is reserved for you again.");
        focusLabel(0);
      }
      showReservation();
    } else if (now) announce("The server does not answer. Try it again.", "error");
  }

  // Sending: an error keeps the page as it is.

  function showSendError(sentence) {
    const box = byId("send-error");
    if (box) {
      box.textContent = sentence;
      box.hidden = false;
    }
    announce(sentence, box ? SPOKEN : "error");
  }

  // Browsers post a number that cannot be read as a blank answer, which would be left out without a word.
  document.addEventListener(
    "submit",
    (event) => {
      const unread = event.target === form() && [...form().elements].find((field) => field.validity?.badInput);
      if (!unread) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      unread.reportValidity();
    },
    true,
  );

  document.addEventListener("htmx:before:request", () => {
    if (!page()) return;
    page().setAttribute("aria-busy", "true");
    if (byId("send-error")) byId("send-error").hidden = true;
  });

  document.addEventListener("htmx:finally:request", () => page()?.removeAttribute("aria-busy"));

  document.addEventListener("htmx:error", () => {
    if (page()) showSendError("The server cannot be reached. Your answers are kept here: send them again in a moment.");
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { response, text, hx } = event.detail.ctx;
    if (!page() || hx?.redirect) return;
    const shown = new DOMParser().parseFromString(text, "text/html");
    if (shown.getElementById("main")) return;
    // An error page, of this server or of a proxy, is no part of this page.
    event.preventDefault();
    const sentence = response.status < 500 ? shown.querySelector("main p")?.textContent : "";
    showSendError(
      sentence || `The server does not answer (${response.status}). Your answers are kept here: send them again in a moment.`,
    );
  });

  // The instructions are open on the first item that a person sees of a queue.

  function showInstructions() {
    const key = `${INSTRUCTED}${page().dataset.user}:${page().dataset.queue}`;
    if (!byId("instructions") || storage.get(key)) return;
    byId("instructions").open = true;
    storage.set(key, "1");
  }

  function toggleInstructions() {
    const instructions = byId("instructions");
    if (!instructions) return;
    instructions.open = !instructions.open;
    if (instructions.open) instructions.querySelector("summary").focus();
    else focusLabel(Math.max(currentIndex(), 0));
  }

  // Labels and keys.

  function currentIndex() {
    return labels().findIndex((label) => label.classList.contains("current"));
  }

  function setCurrent(label) {
    for (const one of labels()) one.classList.toggle("current", one === label);
  }

  function fieldsOf(label) {
    return [...label.querySelectorAll(".label-answer :is(input, textarea):not([tabindex='-1']):enabled")];
  }

  function focusLabel(index, { scroll = true } = {}) {
    const label = labels()[index];
    if (!label) return false;
    setCurrent(label);
    const fields = fieldsOf(label);
    const field = fields.find((one) => one.checked) ?? fields[0];
    field?.focus({ preventScroll: true });
    if (scroll) label.scrollIntoView({ block: "nearest" });
    return true;
  }

  function nextLabel() {
    if (!focusLabel(currentIndex() + 1)) byId("submit")?.focus();
  }

  function isTyping(element) {
    if (element.isContentEditable || element.matches("textarea, select")) return true;
    return element.matches("input") && !["radio", "checkbox", "range", "button", "submit"].includes(element.type);
  }

  function digitOf(event) {
    if (/^[0-9]$/.test(event.key)) return event.key;
    // Keyboards on which digits need Shift.
    return event.shiftKey ? undefined : /^Digit([0-9])$/.exec(event.code)?.[1];
  }

  function choose(digit, event) {
    const label = labels()[Math.max(currentIndex(), 0)];
    if (!label) return;
    const input = label.querySelector(`[data-key="${digit}"]:enabled`);
    if (!input) {
      // The digit is typed into a field of numbers.
      const [field] = fieldsOf(label);
      if (field && isTyping(field) && !field.matches("textarea, [data-filter]")) field.focus();
      return;
    }
    event.preventDefault();
    setCurrent(label);
    const wasChosen = input.type === "radio" && input.checked;
    input.focus({ preventScroll: true });
    input.click();
    if (wasChosen) advance(input);
  }

  function advance(input) {
    if (input.type === "radio" && byId("auto-advance")?.checked) focusLabel(labels().indexOf(input.closest("[data-label]")) + 1);
  }

  // Options beyond the keys are reached by arrows.
  function isInLongList(element) {
    if (!element.matches("input[type='radio'], input[type='checkbox']")) return false;
    const label = element.closest("[data-label]");
    return label && label.querySelectorAll(".label-answer input[name]").length > 10;
  }

  function moveInList(element, step) {
    const options = fieldsOf(element.closest("[data-label]")).filter((one) => one.name && one.offsetParent);
    options[options.indexOf(element) + step]?.focus();
  }

  function openDetails(details) {
    if (!details) return false;
    details.open = true;
    details.querySelector("input, textarea").focus();
    return true;
  }

  function leave(element) {
    const label = element.closest("[data-label]");
    element.blur();
    if (label) setCurrent(label);
  }

  const follow = (id) => byId(id)?.click();

  const COMMANDS = {
    s: () => openDetails(byId("skip-reason")),
    u: () => follow("undo"),
    n: () => openDetails(labels()[currentIndex()]?.querySelector(".label-notes")) || openDetails(byId("item-notes")),
    N: () => openDetails(byId("item-notes")),
    i: toggleInstructions,
    "?": () => byId("help").togglePopover(),
    ArrowLeft: () => follow("earlier"),
    ArrowRight: () => follow("later"),
    Delete: () => labels()[currentIndex()]?.querySelector("[data-clear]")?.click(),
  };

  function onTab(event, element) {
    const label = element.closest("#annotate-form [data-label]");
    if (!label) return;
    const index = labels().indexOf(label) + (event.shiftKey ? -1 : 1);
    if (index < 0) return;
    event.preventDefault();
    if (!focusLabel(index)) byId("submit")?.focus();
  }

  function onArrow(event, element, step) {
    if (element.closest("#content") || element.matches("input[type='range'], summary")) return;
    if (isInLongList(element)) {
      if (element.type === "radio") return;
      event.preventDefault();
      moveInList(element, step);
      return;
    }
    if (!form()) return;
    event.preventDefault();
    focusLabel(Math.max(currentIndex() + step, 0));
  }

  // Where the content does not scroll by itself, the page does.
  function scrollContent(event) {
    const content = byId("content");
    if (!content || content.scrollHeight <= content.clientHeight) return;
    event.preventDefault();
    content.scrollBy({ top: (event.key === "PageDown" ? 0.9 : -0.9) * content.clientHeight });
  }

  document.addEventListener("keydown", (event) => {
    if (!page() || event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    const element = event.target instanceof Element ? event.target : document.body;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      if (!event.repeat) follow(element.closest("#skip-form") ? "skip" : "submit");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const help = document.querySelector("#help:popover-open");
    if (help) {
      if (event.key === "?") help.hidePopover();
      return;
    }
    if (event.key === "Tab") {
      onTab(event, element);
      return;
    }
    const isField = element.matches("#annotate-form [data-label] input");
    if (event.key === "Enter" && isField && !element.matches("[data-filter]")) {
      event.preventDefault();
      nextLabel();
      return;
    }
    // A browser would change the number.
    const isStep = event.key === "ArrowDown" || event.key === "ArrowUp";
    if (isTyping(element) && !(isStep && element.matches("#annotate-form input.number"))) {
      if (event.key === "Escape") leave(element);
      return;
    }
    if (event.key === "Enter" && [document.body, form()].includes(element) && form()) {
      event.preventDefault();
      nextLabel();
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      scrollContent(event);
    } else if (isStep) {
      onArrow(event, element, event.key === "ArrowDown" ? 1 : -1);
    } else if (digitOf(event) !== undefined) {
      if (!event.repeat) choose(digitOf(event), event);
    } else if (Object.hasOwn(COMMANDS, event.key) && !event.repeat && !element.matches("input[type='range']")) {
      event.preventDefault();
      COMMANDS[event.key]();
    }
  });

  // An error is about the answer that was sent, and the sentence above the form about all of them.
  function hideError(field) {
    const label = field.closest("[data-label]");
    // A slider and a filter have no name, and are no answers.
    if (!label || !field.name || restoring) return;
    label.querySelector(".label-error")?.remove();
    for (const one of label.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    if ("faulty" in form().dataset && !form().querySelector("[aria-invalid]")) byId("refused")?.remove();
  }

  document.addEventListener("focusin", ({ target }) => {
    const label = target.closest?.("#annotate-form [data-label]");
    if (label) setCurrent(label);
  });

  document.addEventListener("input", ({ target }) => {
    if (!form() || target.form !== form()) return;
    saveDraft();
    hideError(target);
  });

  document.addEventListener("change", ({ target }) => {
    if (target.id === "auto-advance") {
      storage.set(AUTO_ADVANCE, target.checked ? "1" : "");
    } else if (form() && target.form === form()) {
      saveDraft();
      if (!restoring) advance(target);
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#discard-draft")) discardDraft();
    if (event.target.closest("#take-again") && reservation) {
      event.preventDefault();
      renew(true);
    }
  });

  for (const kind of ["keydown", "pointerdown", "input", "scroll"]) {
    document.addEventListener(kind, () => renew(), { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", showReservation);
  setInterval(showReservation, 1000);

  // While others have all items: look again, but not for a person who is elsewhere.
  function startRetry() {
    clearTimeout(retryTimer);
    const seconds = page()?.dataset.retry;
    if (!seconds) return;
    retryTimer = setTimeout(() => {
      if (document.visibilityState === "visible") follow("look-again");
      else document.addEventListener("visibilitychange", () => follow("look-again"), { once: true });
    }, seconds * 1000);
  }

  function start() {
    reservation = null;
    startRetry();
    if (!page()) return;
    removeStored();
    if (!form()) return;
    // The sentences of the server are the same as those of the API.
    form().noValidate = true;
    startReservation();
    // Fields that cannot be filled in show what is stored; a draft stays for the day that they can.
    if (!byId("read-only")) restoreDraft();
    const advanceSwitch = byId("auto-advance");
    if (advanceSwitch) advanceSwitch.checked = storage.get(AUTO_ADVANCE) === "1";
    showInstructions();
    const faulty = labels().findIndex((label) => label.querySelector(".label-error"));
    if (byId("lost")?.hidden === false) byId("lost").focus();
    // In a text area the letters would be no keys: it waits for Enter, Tab or an arrow.
    else if (faulty < 0 && labels()[0]?.querySelector(".label-answer textarea")) form().focus({ preventScroll: true });
    // On a small screen the content comes first.
    else focusLabel(Math.max(faulty, 0), { scroll: faulty >= 0 });
  }

  // htmx would give the focus to the field of the same id, and a key that is pressed at once would be typed into it.
  document.addEventListener("htmx:before:swap", () => {
    if (form()) document.activeElement?.blur();
  });
  document.addEventListener("htmx:after:swap", () => {
    window.scrollTo(0, 0);
    start();
  });
  // A page that the browser restores has an old token and an old reservation.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  removeOld();
  start();
})();
