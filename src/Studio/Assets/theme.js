// Before the first paint, so that the page does not flash: as was chosen here, else as the system has it.
const system = matchMedia('(prefers-color-scheme: dark)')
const setTheme = () => { document.documentElement.dataset.theme = localStorage.getItem('theme') ?? (system.matches ? 'dark' : 'light') }
system.addEventListener('change', setTheme)
setTheme()
