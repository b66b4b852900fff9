// The brush: a mask painted on the picture.
import { closest, tell } from './page.js'
import { mapOf } from './maps.js'
import { send } from './uploads.js'

const color = 'rgb(216 70 42)'
// Pixels with a higher alpha are part of the mask.
const threshold = 60

// Longest side of the shown soft edge.
const softSide = 256

// Canvases before each stroke.
let strokes = []

const brush = () => document.querySelector('.frame.main .brush')
export const isBrushing = () => brush()?.hidden === false
let stroke = null
// The request to show the mask, if there is one.
let waiting = 0

let sending = false

function startBrushing() {
    const canvas = brush()
    const picture = canvas.closest('.frame').querySelector('img')
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    strokes = []
    canvas.hidden = false
    tools(true)
    showSoft()
}

export function stopBrushing() {
    const canvas = brush()
    if (!canvas) return
    canvas.hidden = true
    tools(false)
    showSoft()
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
    showSoft()
    return Boolean(last)
}

// Width of the soft edge in pixels of the picture; null leaves it to the studio.
const feather = () => Number(document.querySelector('[data-brush-feather]').value) || null

// Shows the mask with its soft edge.
function showSoft() {
    const shown = document.querySelector('.frame.main .soft')
    if (!shown) return
    shown.hidden = !isBrushing() || feather() === null
    if (shown.hidden) return
    const { opacities, width, height } = softened(brush())
    Object.assign(shown, { width, height })
    const context = shown.getContext('2d')
    context.fillStyle = color
    context.fillRect(0, 0, width, height)
    const image = context.getImageData(0, 0, width, height)
    opacities.forEach((opacity, i) => { image.data[4 * i + 3] = opacity * 255 })
    context.putImageData(image, 0, 0)
}

// The mask's opacities at a small size, computed like the edit's: a blurred mask is ½ at its edge, and its values above that are stretched to the full
// range, so that nothing outside the mask changes.
function softened(painted) {
    const scale = Math.min(1, softSide / Math.max(painted.width, painted.height))
    const [width, height] = [painted.width, painted.height].map(side => Math.max(1, Math.round(side * scale)))
    const context = new OffscreenCanvas(width, height).getContext('2d')
    context.drawImage(painted, 0, 0, width, height)
    const pixels = context.getImageData(0, 0, width, height).data
    const mask = Float32Array.from({ length: width * height }, (_, i) => pixels[4 * i + 3] > threshold ? 1 : 0)
    const opacities = mask.slice()
    const sigma = feather() / 2 * width / Number(painted.dataset.width || painted.width)
    // Three box blurs are close to a Gaussian one.
    const radius = Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2)
    for (let turn = 0; turn < 3; turn++) {
        blur(opacities, width, 1, height, width, radius)
        blur(opacities, height, width, width, 1, radius)
    }
    return { opacities: opacities.map((value, i) => mask[i] * Math.max(0, Math.min(1, 2 * value - 1))), width, height }
}

// A box blur of the lines of a map; border values repeat.
function blur(map, length, step, lines, jump, radius) {
    const line = new Float32Array(length)
    const at = k => line[Math.max(0, Math.min(length - 1, k))]
    for (let start = 0; start < lines * jump; start += jump) {
        for (let k = 0; k < length; k++) line[k] = map[start + k * step]
        let sum = 0
        for (let k = -radius; k <= radius; k++) sum += at(k)
        for (let k = 0; k < length; k++) {
            map[start + k * step] = sum / (2 * radius + 1)
            sum += at(k + radius + 1) - at(k - radius)
        }
    }
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
    showSoft()
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

document.addEventListener('click', event => {
    if (closest(event, '[data-brush-toggle]')) toggleBrush()
    if (closest(event, '[data-brush-undo]')) undoStroke()
    changes[closest(event, '[data-brush-change]')?.dataset.brushChange]?.()
    const use = closest(event, '[data-brush-use]')
    if (use) make(use.dataset.brushUse)
})

// Makes the picture of the mask, once for a double click. Whatever is wrong, the mask stays.
async function make(use) {
    if (sending) return
    sending = true
    try {
        await makeOnce(use)
    } finally {
        sending = false
    }
}

async function makeOnce(use) {
    const mask = await maskOf(brush())
    if (!mask) return tell('Refused', 'The mask is empty. Paint on the picture first.')
    const width = feather()
    if (width !== null && !softened(brush()).opacities.some(opacity => opacity > 0)) {
        return tell('Refused', `A feather of ${width} pixels is wider than the mask. Use a smaller one, or paint more.`)
    }
    const words = document.querySelector('[data-brush-words]')
    const said = words.value
    try {
        const name = await send(mask)
        stopBrushing()
        tell('Brushed', name, use, width, said)
        if (use === 'fill') words.value = ''
    } catch (problem) {
        tell('Refused', problem instanceof TypeError ? 'The mask could not be sent: the studio is not reachable.' : problem.message)
    }
}

document.addEventListener('keydown', event => { if (event.key === 'Enter' && !event.isComposing && closest(event, '[data-brush-words]')) make('fill') })
document.addEventListener('input', event => {
    if (!closest(event, '[data-brush-feather]')) return
    const text = feather() === null ? 'auto' : `${feather()} px`
    document.querySelector('[data-brush-feather-label]').textContent = text
    event.target.setAttribute('aria-valuetext', text)
    showSoft()
})

// White where it is painted, black elsewhere.
async function maskOf(painted) {
    const canvas = Object.assign(document.createElement('canvas'), { width: painted.width, height: painted.height })
    const strokes = painted.getContext('2d').getImageData(0, 0, painted.width, painted.height)
    let any = false
    for (let i = 0; i < strokes.data.length; i += 4) {
        const white = strokes.data[i + 3] > threshold
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
    // values.js shows it.
    size().dispatchEvent(new Event('input', { bubbles: true }))
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
    if (feather() !== null && !waiting) waiting = requestAnimationFrame(() => { waiting = 0; showSoft() })
}

