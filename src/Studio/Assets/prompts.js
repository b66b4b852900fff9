// Earlier prompts of the project and of this browser: up and down in a prompt's field go through them.
import { closest } from './page.js'

const most = 50
const remembered = () => {
    try { return JSON.parse(localStorage.getItem('prompts')).filter(text => typeof text === 'string') } catch { return [] }
}

// The field, its prompts with the newest first, and which of them it shows. -1 is the visitor's own text.
let walk = null

document.addEventListener('submit', event => {
    const text = event.target.querySelector('[data-prompts]')?.value.trim()
    if (!text) return
    localStorage.setItem('prompts', JSON.stringify([text, ...remembered().filter(other => other !== text)].slice(0, most)))
    walk = null
}, true)

document.addEventListener('keydown', event => {
    const field = closest(event, '[data-prompts]')
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key]
    if (!field || !way || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return
    // In a field of several lines, the keys leave it at its first and last line only.
    if (way > 0 ? field.value.slice(0, field.selectionStart).includes('\n') : field.value.slice(field.selectionEnd).includes('\n')) return
    event.preventDefault()
    if (walk?.field !== field || walk.shown !== field.value) {
        const own = field.value
        walk = { field, own, place: -1, texts: [...new Set([...JSON.parse(field.dataset.prompts), ...remembered()])].filter(text => text !== own) }
    }
    const place = walk.place + way
    if (place < -1 || place >= walk.texts.length) return
    walk.place = place
    walk.shown = field.value = place < 0 ? walk.own : walk.texts[place]
    field.dispatchEvent(new Event('input', { bubbles: true }))
})
