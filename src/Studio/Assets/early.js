// Remembers the last click on a button before the page is live: the server does not hear it yet. studio.js clicks again then.
const nameOf = button => button.getAttribute('aria-label') ?? button.textContent.trim()
let missed = null
document.addEventListener('click', event => {
    const button = event.target instanceof Element && event.target.closest('button:not([data-theme-toggle], [data-view], [data-open])')
    if (button && !window.studio?.connected()) missed = nameOf(button)
}, true)
window.clickAgain = () => {
    if (missed !== null) [...document.querySelectorAll('button')].find(button => nameOf(button) === missed)?.click()
    missed = null
}
