// Sliders show their value while they are moved; the page sets it when they are released. Its text node stays, because the page knows it.
import { closest } from './page.js'

document.addEventListener('input', event => {
    const shown = event.target.matches?.('[data-brush-size]') ? event.target.parentElement.querySelector('output') : closest(event, '.value-slider')?.querySelector('output')
    if (shown?.firstChild) shown.firstChild.data = event.target.value
})
