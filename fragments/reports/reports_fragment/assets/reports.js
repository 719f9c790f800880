// The one thing that a link cannot do.
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-print]")) print();
});
