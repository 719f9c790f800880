// Who else looks at a fragment, or types in it: chips that move nothing. docs/contract.md, section "Presence".
(() => {
  "use strict";
  const status = document.getElementById("presence"), { grant } = document.body.dataset;
  if (!status || !grant) return;
  const { here, looks, edits, types } = status.dataset, TAG = "jogakbo-presence";
  const rooms = new Map(); // id of a section → its chips, each with the id of its place
  const said = new Set();
  let told = {}, saying;

  document.addEventListener("jogakbo:presence", ({ detail: { id, people } }) => {
    const places = people.length ? { "": people } : {};
    for (const person of people) {
      person.name = person.who.name[document.documentElement.lang] ?? person.who.name.en;
      if (person.place) (places[person.place] ??= []).push(person);
      announce(person, document.getElementById(id));
    }
    if (!people.length) said.clear();
    rooms.set(id, Object.entries(places).map(chipOf));
    draw();
  });

  function chipOf([place, people]) {
    const chip = document.createElement(TAG);
    chip.role = "list";
    chip.ariaLabel = here;
    if (people.length > 1) chip.tabIndex = 0; // a keyboard gets at the names
    chip.innerHTML = people.map(({ name, who, editing }) =>
      `<span role="listitem" data-hue="${who.hue}"${editing ? " data-editing" : ""}><b aria-hidden="true">`
      + `${name.split(" ").pop()[0]}</b><span>${name}${editing ? ` ${types}` : ""}</span></span>`).join("");
    return { place, chip };
  }

  // A swap takes away what the fragment did not bring, or puts back a copy of it.
  function draw() {
    for (const [id, chips] of rooms) {
      const section = document.getElementById(id), old = section?.querySelectorAll(TAG) ?? [];
      for (const { place, chip } of chips) {
        const home = place ? section?.querySelector(`#${CSS.escape(place)}[data-presence]`) : section;
        if (home && chip.parentNode !== home) home.append(chip);
      }
      for (const chip of old) {
        if (chip.closest("[data-fragment]") !== section || chips.some((own) => own.chip === chip)) continue;
        if (chip === document.activeElement) chips[0]?.chip.focus();
        chip.remove();
      }
    }
  }
  new MutationObserver(draw).observe(document.body, { childList: true, subtree: true });

  // Once for each thing that somebody does, and of what happens together the last.
  function announce({ name, editing, place }, section) {
    const what = document.getElementById(place)?.dataset.presence ?? section?.ariaLabel;
    const sentence = (editing ? edits : looks).replace("{who}", name).replace("{what}", what);
    if (said.has(sentence)) return;
    said.add(sentence);
    clearTimeout(saying);
    saying = setTimeout(() => { status.textContent = sentence; }, 1000);
  }

  function tell({ type, target }) {
    const id = target.closest("[data-fragment]")?.id, place = target.closest("[data-presence]")?.id;
    const editing = type === "input", at = Date.now(), same = told.id === id && told.place === place;
    if (!rooms.has(id) || (editing ? same && at - told.at < 4000 : !same)) return;
    told = editing ? { id, place, at } : {};
    fetch("/-/presence", {
      method: "POST", headers: { "Content-Type": "application/json" }, keepalive: true,
      body: JSON.stringify({ grant, id, editing, place }),
    }).catch(() => {}); // it is told again with another key, or forgotten
  }
  for (const type of ["input", "submit"]) document.addEventListener(type, tell);
})();
