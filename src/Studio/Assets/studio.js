// Interaction that must not wait for the server: the slider, heat maps, the brush, dropped files. Listeners are on the document, so
// they survive rendering.
let page = null
const maps = new Map()
let lit = null

// The last view belongs to the visitor, like the theme.
window.studio = {
    connect(reference) { page = reference; return localStorage.getItem('view') },
    connected: () => page !== null,
    remember: (name, value) => localStorage.setItem(name, value),
}

const closest = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null

// Before and after.
document.addEventListener('input', event => {
    const split = closest(event, '[data-split]')
    if (split) split.closest('.frame').style.setProperty('--split', `${split.value}%`)
    const fader = closest(event, '[data-fader]')
    if (fader) turn(fader)
    if (closest(event, '[data-time]') && lit) light(lit)
    const marked = closest(event, '.sharpness') && document.querySelector('.choice.on[data-heat]')
    if (marked) light({ ...marked.dataset, threshold: event.target.value })
})

// A fader's line and number follow the pointer; the picture changes on release.
function turn(fader) {
    const chip = fader.closest('.chip')
    const [low, high, value] = [fader.min, fader.max, fader.value].map(Number)
    chip.style.setProperty('--at', `${(value - low) / (high - low) * 100}%`)
    chip.querySelector('.weight').textContent = value === 1 ? '' : `×${value}`
    fader.setAttribute('aria-valuetext', fader.value)
}

// Heat maps.
for (const name of ['pointerover', 'focusin']) {
    document.addEventListener(name, event => {
        const word = closest(event, '[data-heat]')
        if (word && !brushing()) light(word.dataset)
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
    if (closest(event, '.sharpness') || time?.value === '0') setTimeout(darken, 1200)
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

function darken() {
    lightings++
    document.querySelectorAll('.stage.lit').forEach(stage => stage.classList.remove('lit'))
    const label = document.querySelector('[data-time-label]')
    if (label) label.textContent = lit ? `Slide to see “${lit.word}” over time` : 'Hover or touch a word to see where it looks'
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
    page?.invokeMethodAsync('Copied')
})

// Cards and dialogs take the focus when they open; a panel's header gets its ARIA role and state.
function announce(panel) {
    const header = panel.querySelector('.mud-expand-panel-header')
    header?.setAttribute('role', 'button')
    header?.setAttribute('aria-expanded', panel.classList.contains('mud-panel-expanded'))
}
const within = (node, selector) => node.matches(selector) ? node : node.querySelector(selector)
new MutationObserver(changes => {
    for (const { target, addedNodes } of changes) {
        if (target.classList.contains('mud-expand-panel')) announce(target)
        for (const node of addedNodes) {
            if (!(node instanceof Element)) continue
            within(node, '[data-autofocus]')?.focus({ preventScroll: true })
            document.querySelectorAll('.mud-expand-panel').forEach(announce)
        }
    }
}).observe(document.body, { childList: true, subtree: true, attributeFilter: ['class'] })
document.querySelectorAll('.mud-expand-panel').forEach(announce)

document.addEventListener('keydown', event => {
    const writing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement
    // An open popover handles the key itself.
    if (event.key === 'Escape' && !document.querySelector('.mud-dialog, .mud-popover-open, .card')) { darken(); stopBrushing(); page?.invokeMethodAsync('Escape') }
    if (writing) return
    const words = [...document.querySelectorAll('.chip .word')]
    const here = words.indexOf(document.activeElement)
    if (here >= 0 && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
        words[(here + (event.key === 'ArrowRight' ? 1 : -1) + words.length) % words.length].focus()
        event.preventDefault()
    }
})

// Uploads.
// The studio checks the content of a file, whatever its name, and reports errors.
async function send(body) {
    const answer = await fetch('/api/pictures', { method: 'POST', body, headers: { 'Content-Type': body.type?.startsWith('image/') ? body.type : 'image/png' } })
    const said = await answer.json().catch(() => ({}))
    if (!answer.ok) throw new Error(said.title ?? 'The picture could not be uploaded.')
    return said.picture
}

async function open(file) {
    if (!file) return
    try {
        page?.invokeMethodAsync('Uploaded', await send(file))
    } catch (problem) {
        page?.invokeMethodAsync('Refused', problem instanceof TypeError ? 'The picture could not be uploaded: it is too large, or the studio is not reachable.' : problem.message)
    }
}

document.addEventListener('change', event => {
    const input = closest(event, '[data-upload]')
    if (!input) return
    open(input.files[0])
    input.value = ''
})
document.addEventListener('keydown', event => {
    const label = closest(event, 'label[role=button]')
    if (label && (event.key === 'Enter' || event.key === ' ')) { label.querySelector('input').click(); event.preventDefault() }
})
let dragging = 0
const holdsFile = event => [...event.dataTransfer?.types ?? []].includes('Files')
document.addEventListener('dragenter', event => { if (holdsFile(event) && ++dragging) document.body.classList.add('dropping') })
document.addEventListener('dragleave', event => { if (holdsFile(event) && --dragging <= 0) document.body.classList.remove('dropping') })
document.addEventListener('dragover', event => { if (holdsFile(event)) event.preventDefault() })
document.addEventListener('drop', event => {
    if (!holdsFile(event)) return
    event.preventDefault()
    dragging = 0
    document.body.classList.remove('dropping')
    open(event.dataTransfer.files[0])
})

// The brush.
const brush = () => document.querySelector('.frame.main .brush')
const brushing = () => brush()?.hidden === false
let stroke = null

function startBrushing() {
    const canvas = brush()
    const picture = canvas.closest('.frame').querySelector('img')
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    canvas.hidden = false
    tools(true)
}

function stopBrushing() {
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
    if (closest(event, '[data-brush-toggle]')) brushing() ? stopBrushing() : startBrushing()
    if (closest(event, '[data-brush-clear]')) brush().getContext('2d').clearRect(0, 0, brush().width, brush().height)
    const use = closest(event, '[data-brush-use]')
    if (!use) return
    const mask = await maskOf(brush())
    if (!mask) return page?.invokeMethodAsync('Refused', 'The mask is empty. Paint on the picture first.')
    const name = await send(mask)
    stopBrushing()
    page?.invokeMethodAsync('Brushed', name, use.dataset.brushUse)
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

// The studio was restarted and no longer knows this page. Reload it; the store has everything.
const reload = () => location.reload()
document.getElementById('components-reconnect-modal').addEventListener('components-reconnect-state-changed', event => { if (event.detail.state === 'rejected') reload() })
document.addEventListener('click', async event => {
    if (closest(event, '[data-reload]')) reload()
    if (closest(event, '[data-reconnect]') && !await Blazor.reconnect().catch(() => false)) reload()
})
