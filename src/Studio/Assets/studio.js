// Interaction that must not wait for the server. Listeners are on the document, so they survive rendering.
import { closest, goLive, isLive, isWriting, tell } from './page.js'
import { isBrushing, stopBrushing, toggleBrush, undoStroke } from './brush.js'
import { darken } from './maps.js'
import './prompts.js'
import './uploads.js'
import './values.js'
import './viewer.js'

// The last view belongs to the visitor, like the theme.
window.studio = {
    connect(reference) {
        goLive(reference)
        setTimeout(window.clickAgain)
        return localStorage.getItem('view')
    },
    connected: isLive,
    remember: (name, value) => localStorage.setItem(name, value),
    // Back shows the picture before. The first address names no picture.
    address(path) {
        if (location.pathname === path) return
        const isFirst = location.pathname.split('/').length < 4
        history[isFirst ? 'replaceState' : 'pushState'](null, '', path)
    },
    // Tells a visitor who is elsewhere meanwhile.
    ended(mark) {
        if (!document.hidden) return
        const title = document.title
        document.title = `${mark} ${title}`
        document.addEventListener('visibilitychange', () => { document.title = title }, { once: true })
    },
}

// A fader's line and number follow the pointer; the picture changes on release.
document.addEventListener('input', event => {
    const fader = closest(event, '[data-fader]')
    if (!fader) return
    const chip = fader.closest('.chip')
    const [low, high, value] = [fader.min, fader.max, fader.value].map(Number)
    chip.style.setProperty('--at', `${(value - low) / (high - low) * 100}%`)
    // The server updates this text node, so it must stay where it is.
    const weight = chip.querySelector('.weight')
    const text = weight.firstChild ?? weight.appendChild(document.createTextNode(''))
    text.data = value === 1 ? '' : `×${value}`
    fader.setAttribute('aria-valuetext', fader.value)
})

// Theme.
document.addEventListener('click', event => {
    if (!closest(event, '[data-theme-toggle]')) return
    const root = document.documentElement
    root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark'
    localStorage.setItem('theme', root.dataset.theme)
})

document.addEventListener('click', async event => {
    const copy = closest(event, '[data-copy]')
    if (!copy) return
    const text = document.getElementById(copy.dataset.copy)
    text.select()
    try { await navigator.clipboard.writeText(text.value) } catch { document.execCommand('copy') }
    tell('Copied')
})

// Cards, dialogs and menus take the focus when they open; a panel's header gets its ARIA role and state.
function announce(panel) {
    const header = panel.querySelector('.mud-expand-panel-header')
    header?.setAttribute('role', 'button')
    header?.setAttribute('aria-expanded', panel.classList.contains('mud-panel-expanded'))
}
// What had the focus before a card or a form took it gets it back.
let opener = null
function giveBack(removed) {
    if (!within(removed, '.card, .writing') || document.activeElement !== document.body) return
    const place = opener?.isConnected ? opener : document.querySelector('.chip .word')
    place?.focus({ preventScroll: true })
}
const within = (node, selector) => node.matches(selector) ? node : node.querySelector(selector)
// The first and last words' cards would reach over the edge.
function keepInside(card) {
    const [box, desk] = [card, card.closest('.desk')].map(element => element.getBoundingClientRect())
    card.style.setProperty('--shift', `${Math.max(0, desk.left + 8 - box.left) - Math.max(0, box.right + 8 - desk.right)}px`)
}
new MutationObserver(changes => {
    for (const { target, addedNodes, removedNodes } of changes) {
        if (target.classList.contains('mud-expand-panel')) announce(target)
        if (target.matches('.mud-popover-open') && document.activeElement.matches('.mud-menu button')) target.querySelector('[role=menuitem]')?.focus()
        for (const node of addedNodes) {
            if (!(node instanceof Element)) continue
            const card = within(node, '.card')
            if (card) keepInside(card)
            const first = within(node, '[data-autofocus]')
            if (first) {
                if (!document.activeElement.closest('.card, .writing')) opener = document.activeElement
                first.focus({ preventScroll: true })
            }
            document.querySelectorAll('.mud-expand-panel').forEach(announce)
        }
        for (const node of removedNodes) if (node instanceof Element) giveBack(node)
    }
}).observe(document.body, { childList: true, subtree: true, attributeFilter: ['class'] })
document.querySelectorAll('.mud-expand-panel').forEach(announce)

document.addEventListener('keydown', event => {
    // An open popover handles the key itself.
    if (event.key === 'Escape' && !document.querySelector('.mud-dialog, .mud-popover-open, .card')) { darken(); isBrushing() ? stopBrushing() : tell('Escape') }
    if (isWriting(event)) return
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
        event.preventDefault()
        if (event.shiftKey || !undoStroke()) tell(event.shiftKey ? 'Redo' : 'Undo')
    }
    if (event.key === '?') tell('ShowKeys')
    if (event.key === 'b' && !event.ctrlKey && !event.metaKey && document.querySelector('.brush')) toggleBrush()
    const words = [...document.querySelectorAll('.chip .word')]
    const here = words.indexOf(document.activeElement)
    if (here >= 0 && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
        words[(here + (event.key === 'ArrowRight' ? 1 : -1) + words.length) % words.length].focus()
        event.preventDefault()
    }
})

addEventListener('popstate', () => {
    const number = Number(location.pathname.split('/')[3])
    if (number) tell('ShowNumber', number)
})

// The studio was restarted and no longer knows this page. Reload it; the store has everything.
const reload = () => location.reload()
document.getElementById('components-reconnect-modal').addEventListener('components-reconnect-state-changed', event => { if (event.detail.state === 'rejected') reload() })
document.addEventListener('click', async event => {
    if (closest(event, '[data-reload]')) reload()
    if (closest(event, '[data-reconnect]') && !await Blazor.reconnect().catch(() => false)) reload()
})
