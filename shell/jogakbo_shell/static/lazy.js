// Scripts with Podium's strategy "lazy": a page that has loaded does not wait for them, and they find it complete.
addEventListener("load", () => document.head.append(document.getElementById("lazy-scripts").content));
