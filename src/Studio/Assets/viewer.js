// The picture: before and after, zoom, pan, full screen. The numbers are CSS variables of .frames, so pictures side by side move together.
import { closest, isWriting } from './page.js'
import { isBrushing } from './brush.js'

const most = 16
const step = 1.5

const frames = () => document.querySelector('.frames')
const number = name => Number.parseFloat(frames().style.getPropertyValue(name))

// x, y: where the picture's corner is, as a share of the frame.
const view = () => ({ zoom: number('--zoom') || 1, x: number('--x') / 100 || 0, y: number('--y') / 100 || 0 })

function look({ zoom, x, y }) {
    const inside = value => Math.min(0, Math.max(1 - zoom, value))
    for (const [name, value] of [['--zoom', zoom], ['--x', `${inside(x) * 100}%`], ['--y', `${inside(y) * 100}%`]]) frames().style.setProperty(name, value)
    frames().classList.toggle('zoomed', zoom > 1)
    document.querySelector('[data-zoom-level]').textContent = `${Math.round(zoom * 100)} %`
    if (zoom > 1) loadWhole()
}

// Photographs are shown reduced until someone looks closer.
function loadWhole() {
    for (const image of frames().querySelectorAll('img[data-whole]')) {
        image.src = image.dataset.whole
        delete image.dataset.whole
    }
}

// Zooms so that what is at a place of the frame stays there.
function zoomBy(factor, [px, py] = [0.5, 0.5]) {
    const { zoom, x, y } = view()
    const next = Math.min(most, Math.max(1, zoom * factor))
    look({ zoom: next, x: px - (px - x) / zoom * next, y: py - (py - y) / zoom * next })
}

function pan(dx, dy) {
    const { zoom, x, y } = view()
    look({ zoom, x: x + dx, y: y + dy })
}

const fullScreen = () => document.fullscreenElement ? document.exitFullscreen() : document.querySelector('.stage').requestFullscreen?.()

const size = frame => frame.querySelector('.layers').parentElement.getBoundingClientRect()
function placeIn(frame, { clientX, clientY }) {
    const { left, top, width, height } = size(frame)
    return [(clientX - left) / width, (clientY - top) / height]
}

const actions = {
    in: () => zoomBy(step),
    out: () => zoomBy(1 / step),
    all: () => look({ zoom: 1, x: 0, y: 0 }),
    screen: fullScreen,
}

document.addEventListener('click', event => actions[closest(event, '[data-view]')?.dataset.view]?.())

const keys = { '+': 'in', '=': 'in', '-': 'out', '0': 'all', f: 'screen' }
const arrows = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }
document.addEventListener('keydown', event => {
    if (isWriting(event) || event.ctrlKey || event.metaKey || event.altKey || !frames() || document.querySelector('.mud-dialog, .card')) return
    actions[keys[event.key]]?.()
    const [dx, dy] = arrows[event.key] ?? []
    if (dx === undefined || view().zoom === 1 || closest(event, '.prompt, .film, .panel, input')) return
    pan(dx, dy)
    event.preventDefault()
})

// Where the page itself scrolls, the wheel zooms only with Ctrl, as a pinch on a touchpad does.
document.addEventListener('wheel', event => {
    const frame = closest(event, '.frame')
    const scrolls = document.documentElement.scrollHeight > innerHeight
    if (!frame?.querySelector('.layers') || (!event.ctrlKey && (isBrushing() || scrolls))) return
    event.preventDefault()
    zoomBy(step ** (-event.deltaY / 200), placeIn(frame, event))
}, { passive: false })

// Drag to move a zoomed picture, while brushing with the middle button; two fingers zoom.
const fingers = new Map()
document.addEventListener('pointerdown', event => {
    const frame = closest(event, '.frame')
    if (!frame || closest(event, 'button, .split')) return
    if (event.pointerType === 'touch') fingers.set(event.pointerId, event)
    const moves = view().zoom > 1 && event.button === (isBrushing() ? 1 : 0)
    if (!moves && fingers.size < 2) return
    frame.setPointerCapture(event.pointerId)
    if (event.button === 1) event.preventDefault()
    frame.dataset.held = event.pointerId
})
document.addEventListener('pointermove', event => {
    const frame = closest(event, '.frame')
    if (!frame) return
    const { width, height } = size(frame)
    if (fingers.size === 2 && fingers.has(event.pointerId)) {
        const [other] = [...fingers.values()].filter(finger => finger.pointerId !== event.pointerId)
        const before = fingers.get(event.pointerId)
        const distance = finger => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY)
        zoomBy(distance(event) / Math.max(1, distance(before)), placeIn(frame, other))
        fingers.set(event.pointerId, event)
    } else if (frame.dataset.held === `${event.pointerId}` && event.buttons) {
        pan(event.movementX / width, event.movementY / height)
    }
})
for (const name of ['pointerup', 'pointercancel']) {
    document.addEventListener(name, event => {
        fingers.delete(event.pointerId)
        delete closest(event, '.frame')?.dataset.held
    })
}

document.addEventListener('input', event => {
    const split = closest(event, '[data-split]')
    if (split) split.closest('.frame').style.setProperty('--split', `${split.value}%`)
})
