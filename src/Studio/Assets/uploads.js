// Pictures of the visitor's own.
import { closest, tell } from './page.js'

// The studio checks the content of a file, whatever its name, and reports errors.
export const send = async body => JSON.parse(await upload(body)).picture

// The studio's answer as text: JSON.parse would round large seeds.
async function upload(body) {
    const answer = await fetch('/api/pictures', { method: 'POST', body, headers: { 'Content-Type': body.type?.startsWith('image/') ? body.type : 'image/png' } })
    const said = await answer.text()
    if (!answer.ok) throw new Error(titleOf(said) ?? 'The picture could not be uploaded.')
    return said
}

function titleOf(problem) {
    try { return JSON.parse(problem).title } catch { return undefined }
}

async function open(file) {
    if (!file) return
    try {
        tell('Uploaded', await upload(file))
    } catch (problem) {
        tell('Refused', problem instanceof TypeError ? 'The picture could not be uploaded: it is too large, or the studio is not reachable.' : problem.message)
    }
}

// Without the name of the field, which says nothing on the page.
function problemOf(problem) {
    try { return Object.values(JSON.parse(problem).errors)[0][0] } catch { return titleOf(problem) }
}

// The studio takes one at a time.
let loras = Promise.resolve()
const addLoras = files => { loras = loras.then(() => addAll(files)).catch(problem => tell('Refused', problem.message)) }

async function addAll(files) {
    const { model } = document.querySelector('[data-lora-file]')?.dataset ?? {}
    if (!model) return tell('Refused', 'No LoRA can be added to this model.')
    document.body.classList.add('sending')
    const problems = []
    try {
        for (const [k, file] of files.entries()) {
            const place = files.length > 1 ? ` (${k + 1} of ${files.length})` : ''
            const problem = await addLora(model, file, share => note(`Adding ${file.name}${place}, ${Math.floor(100 * share)} %`))
            if (problem) problems.push(files.length > 1 ? `${file.name}: ${problem}` : problem)
        }
    } finally {
        note('')
        document.body.classList.remove('sending')
    }
    if (problems.length > 0) tell('Refused', problems.join('\n'))
}

// A page without a project has no place for it.
function note(text) {
    const place = document.querySelector('[data-sending]')
    if (place) place.textContent = text
}

// Gives the problem if it could not be added. fetch does not tell how much of a body is sent.
const addLora = (model, file, progress) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/api/loras?${new URLSearchParams({ model, file: file.name })}`)
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.addEventListener('progress', event => progress(event.loaded / event.total))
    request.addEventListener('load', () => {
        if (request.status >= 300) return resolve(problemOf(request.responseText) ?? 'The LoRA could not be added.')
        try {
            tell('LoraAdded', model, JSON.parse(request.responseText).name)
            resolve()
        } catch (problem) {
            reject(problem)
        }
    })
    request.addEventListener('error', () => resolve('The LoRA could not be added: it is too large, or the studio is not reachable.'))
    progress(0)
    request.send(file)
})

async function addExamples(files) {
    try {
        for (const file of files) tell('ExampleAdded', await send(file))
    } catch (problem) {
        tell('Refused', problem instanceof TypeError ? 'A picture could not be uploaded: it is too large, or the studio is not reachable.' : problem.message)
    }
}

const isLora = file => file?.name.toLowerCase().endsWith('.safetensors')

document.addEventListener('change', event => {
    const input = closest(event, '[data-upload], [data-lora-file], [data-examples]')
    if (!input) return
    if (input.matches('[data-upload]')) open(input.files[0])
    else if (input.matches('[data-examples]')) addExamples([...input.files])
    else addLoras([...input.files])
    input.value = ''
})
document.addEventListener('click', event => { if (closest(event, '[data-choose-examples]')) document.querySelector('[data-examples]').click() })
document.addEventListener('click', event => { if (closest(event, '[data-add-lora]')) document.querySelector('[data-lora-file]').click() })
document.addEventListener('click', event => { if (closest(event, '[data-open]')) document.querySelector('[data-upload]').click() })
document.addEventListener('paste', event => {
    const picture = [...event.clipboardData?.files ?? []].find(file => file.type.startsWith('image/'))
    if (picture) open(picture)
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
    const files = [...event.dataTransfer.files]
    if (closest(event, '[data-learn]')) return addExamples(files)
    if (files.some(isLora)) addLoras(files.filter(isLora))
    open(files.find(file => !isLora(file)))
})

