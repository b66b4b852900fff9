// Before the first paint, so that the page does not flash.
const chosen = localStorage.getItem('theme')
if (chosen) document.documentElement.dataset.theme = chosen
