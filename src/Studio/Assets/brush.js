// The brush: a mask painted on the picture.
import { closest, tell } from './page.js'
import { send } from './uploads.js'

const brush = () => document.querySelector('.frame.main .brush')
export const isBrushing = () => brush()?.hidden === false
let stroke = null

function startBrushing() {
    const canvas = brush()
    const picture = canvas.closest('.frame').querySelector('img')
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    canvas.hidden = false
    tools(true)
}

export function stopBrushing() {
    const canvas = brush()
    if (!canvas) return
    canvas.hidden = true
    tools(false)
}

function tools(shown) {
    document.querySelector('.brush-tools').hidden = !shown
    document.querySelector('[data-brush-toggle]').setAttribute('aria-pressed', shown)
}

document.addEventListener('click', async event => {
    if (closest(event, '[data-brush-toggle]')) isBrushing() ? stopBrushing() : startBrushing()
    if (closest(event, '[data-brush-clear]')) brush().getContext('2d').clearRect(0, 0, brush().width, brush().height)
    const use = closest(event, '[data-brush-use]')
    if (!use) return
    const mask = await maskOf(brush())
    if (!mask) return tell('Refused', 'The mask is empty. Paint on the picture first.')
    const name = await send(mask)
    stopBrushing()
    tell('Brushed', name, use.dataset.brushUse)
})

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

document.addEventListener('pointerdown', event => {
    const canvas = closest(event, '.brush')
    if (!canvas) return
    canvas.setPointerCapture(event.pointerId)
    stroke = null
    paint(canvas, event)
})
document.addEventListener('pointermove', event => {
    const canvas = closest(event, '.brush')
    if (canvas && event.buttons) paint(canvas, event)
})

function paint(canvas, event) {
    const area = canvas.getBoundingClientRect()
    const scale = canvas.width / area.width
    const [x, y] = [(event.clientX - area.left) * scale, (event.clientY - area.top) * scale]
    const context = canvas.getContext('2d')
    context.lineCap = 'round'
    context.strokeStyle = context.fillStyle = 'rgb(216 70 42)'
    context.lineWidth = Number(document.querySelector('[data-brush-size]').value) / 100 * canvas.width
    context.beginPath()
    context.moveTo(...(stroke ?? [x, y]))
    context.lineTo(x + 0.01, y)
    context.stroke()
    stroke = [x, y]
}

