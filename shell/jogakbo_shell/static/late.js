// Moves what came late into its place, each as soon as it is whole. Only pages on which something is late load it.
(() => {
  "use strict";
  document.currentScript?.remove(); // the page is then what it would have been had nothing been late
  const settle = () => {
    for (const end of document.querySelectorAll(".late > .late-end")) {
      const late = end.previousElementSibling;
      const place = document.querySelector(`[data-late="${late.id}"]`);
      if (place) place.replaceWith(late);
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
