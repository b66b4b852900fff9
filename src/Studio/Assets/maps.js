// Heat maps: where the model looks for a word.
import { closest } from './page.js'
import { isBrushing } from './brush.js'

const maps = new Map()
let lit = null

document.addEventListener('input', event => {
    if (closest(event, '[data-time]') && lit) light(lit)
    const marked = closest(event, '[data-threshold-slider]') && document.querySelector('.choice.on[data-heat]')
    if (marked) light({ ...marked.dataset, threshold: event.target.value })
})

for (const name of ['pointerover', 'focusin']) {
    document.addEventListener(name, event => {
        const word = closest(event, '[data-heat]')
        if (word && !isBrushing()) light(word.dataset)
    })
}
for (const name of ['pointerout', 'focusout']) {
    document.addEventListener(name, event => {
        if (closest(event, '[data-heat]') && !touching) darken()
    })
}
// Keep the map of a selected step visible for a while.
document.addEventListener('pointerup', event => {
    const time = closest(event, '[data-time]')
    if (closest(event, '[data-threshold-slider]') || time?.value === '0') setTimeout(darken, 1200)
})
// Touch has no hover: a touched word stays lit until the next touch.
let touching = false
document.addEventListener('pointerdown', event => {
    touching = event.pointerType === 'touch'
    if (!closest(event, '[data-time], [data-heat], .card')) darken()
})

async function attentionOf(version) {
    if (!maps.has(version)) maps.set(version, fetch(`/api/versions/${version}/attention`).then(answer => answer.ok ? answer.json() : null))
    return maps.get(version)
}

// Shows a word's map, or the maximum of several; with a threshold, only positions above it.
let lightings = 0
async function light({ heat, word, threshold = 0 }) {
    if (!heat) return
    const turn = ++lightings
    lit = { heat, word, threshold }
    const places = heat.split(',').map(place => place.split(':'))
    const [version] = places[0]
    const attention = await attentionOf(version)
    const words = places.filter(place => place[0] === version).map(place => attention?.words[Number(place[1])]).filter(Boolean)
    if (!words.length || turn !== lightings) return
    const time = document.querySelector('[data-time]')
    time.max = attention.steps.length
    const at = Math.min(Number(time.value), attention.steps.length)
    const size = attention.width * attention.height
    const values = new Uint8Array(size)
    for (const each of words) {
        const map = at === 0 ? bytes(each.mean) : bytes(each.overTime).subarray((at - 1) * size, at * size)
        const least = threshold * Math.max(...map)
        map.forEach((value, i) => { if (value >= least) values[i] = Math.max(values[i], value) })
    }
    const frame = document.querySelector(`[data-frame="${version}"]`) ?? document.querySelector('.frame.main')
    draw(frame.querySelector('.heat'), values, attention.width, attention.height)
    frame.closest('.stage').classList.add('lit')
    document.querySelector('[data-time-label]').textContent =
        `“${word}” ${at === 0 ? 'over the whole run' : `at step ${attention.steps[at - 1] + 1}`}`
}

export function darken() {
    lightings++
    document.querySelectorAll('.stage.lit').forEach(stage => stage.classList.remove('lit'))
    const label = document.querySelector('[data-time-label]')
    if (label) label.textContent = lit ? `Slide to see “${lit.word}” over time` : 'Touch a word to see where it looks'
}

// The region of a word, as a canvas that is opaque where the model looks for it.
export async function mapOf(place, threshold = 0.3) {
    const [version, word] = place.split(':')
    const attention = await attentionOf(version)
    const map = attention?.words[Number(word)]
    if (!map) return null
    const values = bytes(map.mean)
    const least = threshold * Math.max(...values)
    const canvas = new OffscreenCanvas(attention.width, attention.height)
    const context = canvas.getContext('2d')
    const image = context.createImageData(attention.width, attention.height)
    values.forEach((value, i) => { image.data[4 * i + 3] = value >= least ? 255 : 0 })
    context.putImageData(image, 0, 0)
    return canvas
}

function bytes(text) {
    return Uint8Array.from(atob(text), c => c.charCodeAt(0))
}

// Dark for low attention, through violet and orange to pale yellow for the maximum.
const colors = [[20, 12, 60, 0.62], [110, 24, 110, 0.6], [206, 62, 76, 0.58], [250, 152, 40, 0.62], [254, 248, 176, 0.72]]
function draw(canvas, values, width, height) {
    canvas.width = width
    canvas.height = height
    const context = canvas.getContext('2d')
    const image = context.createImageData(width, height)
    for (let i = 0; i < values.length; i++) {
        const place = values[i] / 255 * (colors.length - 1)
        const low = Math.min(Math.floor(place), colors.length - 2)
        for (let c = 0; c < 4; c++) {
            const value = colors[low][c] + (place - low) * (colors[low + 1][c] - colors[low][c])
            image.data[4 * i + c] = c === 3 ? value * 255 : value
        }
    }
    context.putImageData(image, 0, 0)
}

