"use strict";
const filter = document.getElementById("filter");
const parts = document.querySelectorAll("[data-hosts]");
filter.hidden = document.querySelectorAll("#hosts tbody tr").length < 2;
filter.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const part of parts) {
    const hosts = part.dataset.hosts.toLowerCase().split(" ");
    part.classList.toggle("away", !hosts.some((host) => host.includes(wanted)));
  }
});
