// Before the first paint, so that the page does not flash: the visitor's choice, else the system's theme.
const system = matchMedia('(prefers-color-scheme: dark)')
const setTheme = () => { document.documentElement.dataset.theme = localStorage.getItem('theme') ?? (system.matches ? 'dark' : 'light') }
system.addEventListener('change', setTheme)
setTheme()
