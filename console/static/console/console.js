// Fields that offer choices while somebody types: <input data-choices="/admin/choices/users/">.
// They hold plain text and work without this file. What the offer depends on is sent along:
// data-with="type" sends the form's field "type". A choice that carries a "link" is followed.
"use strict";

// unfold's scripts would add a style element, which the page's policy refuses.
if (window.htmx) {
  window.htmx.config.includeIndicatorStyles = false;
  window.htmx.config.allowEval = false;
}

function offerChoices(input, number) {
  const list = document.createElement("div");
  list.id = `choices-${number}`;
  list.className = "choices";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Choices");
  list.hidden = true;
  const around = document.createElement("div");
  around.className = "choosing";
  input.replaceWith(around);
  around.append(input, list);
  input.setAttribute("role", "combobox");
  input.setAttribute("autocomplete", "off");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  let current = -1;
  let asked = 0;
  let timer = 0;

  const close = () => {
    list.hidden = true;
    current = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (n) => {
    const options = [...list.children];
    current = (n + options.length) % options.length;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === current)));
    options[current].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[current].id);
  };

  const choose = (option) => {
    if (option.dataset.link) {
      window.location.assign(option.dataset.link);
      return;
    }
    input.value = option.dataset.value;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const show = (results) => {
    list.replaceChildren(
      ...results.map((result, i) => {
        const option = document.createElement("div");
        option.id = `${list.id}-${i}`;
        option.className = "choice";
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.value = result.value;
        option.dataset.link = result.link || "";
        const text = document.createElement("span");
        text.textContent = result.text;
        option.append(text);
        if (result.note) {
          const note = document.createElement("span");
          note.className = "note";
          note.textContent = result.note;
          option.append(note);
        }
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(option);
        });
        return option;
      })
    );
    current = -1;
    list.hidden = results.length === 0;
    input.setAttribute("aria-expanded", String(results.length > 0));
    input.removeAttribute("aria-activedescendant");
  };

  const ask = async () => {
    const url = new URL(input.dataset.choices, window.location.origin);
    url.searchParams.set("q", input.value);
    for (const name of (input.dataset.with || "").split(" ").filter(Boolean)) {
      const other = input.form && input.form.elements[name];
      if (other && other.value) url.searchParams.set(name, other.value);
    }
    const number = (asked += 1);
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    // Only the answer to what was typed last counts.
    if (number !== asked || document.activeElement !== input) return;
    if (response.ok && !response.redirected) show((await response.json()).results);
  };

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  };

  input.addEventListener("input", later);
  input.addEventListener("focus", () => {
    if (input.dataset.eager !== undefined || input.value) later();
  });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    asked += 1;
    close();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else mark(event.key === "ArrowDown" ? current + 1 : current < 0 ? -1 : current - 1);
    } else if (event.key === "Enter" && !list.hidden && current >= 0) {
      event.preventDefault();
      choose(list.children[current]);
    }
  });
}

// unfold has buttons that are links without an address, which no key reaches.
function letKeysPress(link) {
  link.setAttribute("role", "button");
  link.tabIndex = 0;
  link.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      link.click();
    }
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("input[data-choices]").forEach(offerChoices);
  document.querySelectorAll("a[x-on\\:click]:not([href])").forEach(letKeysPress);
});
