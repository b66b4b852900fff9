// The brush: a mask painted on the picture.
import { closest, tell } from './page.js'
import { mapOf } from './maps.js'
import { send } from './uploads.js'

const color = 'rgb(216 70 42)'

// Canvases before each stroke.
let strokes = []

const brush = () => document.querySelector('.frame.main .brush')
export const isBrushing = () => brush()?.hidden === false
let stroke = null

function startBrushing() {
    const canvas = brush()
    const picture = canvas.closest('.frame').querySelector('img')
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    strokes = []
    canvas.hidden = false
    tools(true)
}

export function stopBrushing() {
    const canvas = brush()
    if (!canvas) return
    canvas.hidden = true
    tools(false)
}

export const toggleBrush = () => isBrushing() ? stopBrushing() : startBrushing()

// Keeps the canvas as it is, so that the next change can be undone.
function remember(canvas) {
    strokes.push(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height))
    if (strokes.length > 50) strokes.shift()
}

/** Whether there was a stroke to undo. */
export function undoStroke() {
    const last = isBrushing() && strokes.pop()
    if (last) brush().getContext('2d').putImageData(last, 0, 0)
    return Boolean(last)
}

// Changes every pixel of the mask: its alpha is 1 inside and 0 outside.
function change(work) {
    const canvas = brush()
    const context = canvas.getContext('2d')
    remember(canvas)
    const copy = new OffscreenCanvas(canvas.width, canvas.height)
    copy.getContext('2d').drawImage(canvas, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    work(context, copy, canvas)
    // What the filters made of the color does not count.
    context.globalCompositeOperation = 'source-in'
    context.fillStyle = color
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.globalCompositeOperation = 'source-over'
}

const changes = {
    clear: () => change(() => {}),
    invert: () => change((context, copy, { width, height }) => {
        context.fillStyle = color
        context.fillRect(0, 0, width, height)
        context.globalCompositeOperation = 'destination-out'
        context.drawImage(copy, 0, 0)
        context.globalCompositeOperation = 'source-over'
    }),
    // The mask at every place within a distance of one hundredth of the width.
    grow: () => change((context, copy, { width }) => {
        const distance = Math.max(1, width / 100)
        for (let turn = 0; turn < 32; turn++) context.drawImage(copy, distance * Math.cos(turn / 16 * Math.PI), distance * Math.sin(turn / 16 * Math.PI))
        context.drawImage(copy, 0, 0)
    }),
    word: async place => {
        const map = await mapOf(place)
        if (!map) return
        change((context, copy, { width, height }) => {
            context.drawImage(copy, 0, 0)
            context.imageSmoothingEnabled = true
            context.drawImage(map, 0, 0, width, height)
        })
    },
}

function tools(shown) {
    document.querySelector('.brush-tools').hidden = !shown
    document.querySelector('[data-brush-toggle]').setAttribute('aria-pressed', shown)
}

document.addEventListener('click', async event => {
    if (closest(event, '[data-brush-toggle]')) toggleBrush()
    if (closest(event, '[data-brush-undo]')) undoStroke()
    changes[closest(event, '[data-brush-change]')?.dataset.brushChange]?.()
    const use = closest(event, '[data-brush-use]')
    if (!use) return
    const mask = await maskOf(brush())
    if (!mask) return tell('Refused', 'The mask is empty. Paint on the picture first.')
    const name = await send(mask)
    stopBrushing()
    tell('Brushed', name, use.dataset.brushUse)
})

// White where it is painted, black elsewhere.
async function maskOf(painted) {
    const canvas = Object.assign(document.createElement('canvas'), { width: painted.width, height: painted.height })
    const strokes = painted.getContext('2d').getImageData(0, 0, painted.width, painted.height)
    let any = false
    for (let i = 0; i < strokes.data.length; i += 4) {
        const white = strokes.data[i + 3] > 60
        any ||= white
        strokes.data.fill(white ? 255 : 0, i, i + 3)
        strokes.data[i + 3] = 255
    }
    canvas.getContext('2d').putImageData(strokes, 0, 0)
    return any ? new Promise(done => canvas.toBlob(done, 'image/png')) : null
}

document.addEventListener('change', event => {
    const word = closest(event, '[data-brush-word]')
    if (!word?.value) return
    changes.word(word.value)
    word.value = ''
})

// The wheel changes the size of the brush.
const size = () => document.querySelector('[data-brush-size]')
const isErasing = () => document.querySelector('[data-brush-erase]').getAttribute('aria-pressed') === 'true'
document.addEventListener('wheel', event => {
    if (!closest(event, '.brush') || event.ctrlKey) return
    event.preventDefault()
    size().value = Number(size().value) - Math.sign(event.deltaY) * 2
}, { passive: false })
document.addEventListener('click', event => {
    const erase = closest(event, '[data-brush-erase]')
    erase?.setAttribute('aria-pressed', !isErasing())
})

document.addEventListener('pointerdown', event => {
    const canvas = closest(event, '.brush')
    if (!canvas) return
    if (event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
    stroke = null
    remember(canvas)
    paint(canvas, event)
})
document.addEventListener('pointermove', event => {
    const canvas = closest(event, '.brush')
    if (canvas && event.buttons & 1) paint(canvas, event)
})

function paint(canvas, event) {
    const area = canvas.getBoundingClientRect()
    const scale = canvas.width / area.width
    const [x, y] = [(event.clientX - area.left) * scale, (event.clientY - area.top) * scale]
    const context = canvas.getContext('2d')
    context.lineCap = 'round'
    context.strokeStyle = color
    context.globalCompositeOperation = isErasing() ? 'destination-out' : 'source-over'
    context.lineWidth = Number(size().value) / 100 * canvas.width
    context.beginPath()
    context.moveTo(...(stroke ?? [x, y]))
    context.lineTo(x + 0.01, y)
    context.stroke()
    context.globalCompositeOperation = 'source-over'
    stroke = [x, y]
}

