// Moves what came late into its place, each as soon as it is whole. Only pages on which something is late load it.
(() => {
  "use strict";
  document.currentScript?.remove(); // the page is then what it would have been had nothing been late
  const fill = (place, late) => {
    const focused = place.contains(document.activeElement);
    place.replaceWith(late);
    if (!focused) return;
    late.tabIndex = -1; // whoever was on the link goes on from here, and not from the top of the page
    late.focus({ preventScroll: true });
  };
  const settle = () => {
    for (const end of document.querySelectorAll(".late > .late-end")) {
      const late = end.previousElementSibling;
      const place = document.querySelector(`[data-late="${late.id}"]`);
      if (place) fill(place, late);
      end.remove();
    }
  };
  const observer = new MutationObserver(settle);
  observer.observe(document.documentElement, { childList: true, subtree: true });
  const finish = () => {
    observer.disconnect();
    settle();
    for (const aside of document.querySelectorAll(".late")) if (!aside.firstElementChild) aside.remove();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", finish);
  else finish();
})();
