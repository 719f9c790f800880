// Who else looks at a fragment, or types in it (docs/contract.md, section "Presence"): chips that move nothing.
(() => {
  "use strict";
  const words = document.getElementById("presence"), { grant } = document.body.dataset, rooms = new Map();
  if (!words || !grant) return;
  const nameOf = ({ who: { name } }) => name[document.documentElement.lang] ?? name.en;
  let told = {}, sentence, saying;

  document.addEventListener("jogakbo:presence", ({ detail: { id, people } }) => {
    announce(id, people, rooms.get(id)?.people ?? []);
    const places = people.length ? { "": people } : {};
    for (const person of people) if (person.place) (places[person.place] ??= []).push(person);
    rooms.set(id, { people, chips: Object.entries(places).map(([place, group]) => [place, chipOf(group)]) });
    draw();
  });

  function chipOf(people) {
    const chip = document.createElement("jogakbo-presence");
    chip.role = "list";
    chip.ariaLabel = words.dataset.here;
    if (people.length > 1) chip.tabIndex = 0; // so that a keyboard gets at the names
    if (people.length > 4) chip.dataset.more = `+${people.length - 4}`;
    chip.innerHTML = people.map((person) => {
      const name = nameOf(person), [is, does] = person.editing ? [" data-editing", ` ${words.dataset.editing}`] : ["", ""];
      return `<span role="listitem" data-hue="${person.who.hue}"${is}><b aria-hidden="true">${name.split(" ").pop()[0]}</b>`
        + `<span>${name}${does}</span></span>`;
    }).join("");
    return chip;
  }

  // A swap takes away what the fragment did not bring, or puts back a copy of it.
  function draw() {
    for (const [id, { chips }] of rooms) {
      const section = document.getElementById(id), old = section?.querySelectorAll("jogakbo-presence") ?? [];
      for (const [place, chip] of chips) {
        const home = place ? section?.querySelector(`#${CSS.escape(place)}[data-presence]`) : section;
        if (home && chip.parentNode !== home) home.append(chip);
      }
      for (const chip of old) {
        if (chip.closest("[data-fragment]") !== section || chips.some(([, own]) => own === chip)) continue;
        if (chip === document.activeElement) chips[0]?.[1].focus();
        chip.remove();
      }
    }
  }
  new MutationObserver(draw).observe(document.body, { childList: true, subtree: true });

  // Of what happens together the last is said.
  function announce(id, people, before) {
    if (!people.length) sentence = "";
    for (const person of people) {
      const { editing, place } = person, name = nameOf(person), last = before.find((other) => nameOf(other) === name);
      if (last && (!editing || (last.editing && last.place === place))) continue;
      const what = document.getElementById(place)?.dataset.presence ?? document.getElementById(id)?.ariaLabel;
      sentence = words.dataset[editing ? "edits" : "looks"].replace("{who}", name).replace("{what}", what);
    }
    saying ??= setTimeout(() => {
      saying = null;
      if (words.textContent !== sentence) words.textContent = sentence;
    }, 2000);
  }

  function tell({ type, target }) {
    const id = target.closest("[data-fragment]")?.id, place = target.closest("[data-presence]")?.id;
    const editing = type === "input", at = Date.now(), same = told.id === id && told.place === place;
    if (!rooms.has(id) || (editing ? same && at - told.at < 4000 : told.id !== id)) return;
    told = editing ? { id, place, at } : {};
    fetch("/-/presence", {
      method: "POST", headers: { "Content-Type": "application/json" }, keepalive: true,
      body: JSON.stringify({ grant, id, editing, place }),
    }).catch(() => {}); // it is told again with another key, or forgotten
  }
  for (const type of ["input", "submit"]) document.addEventListener(type, tell);
})();
