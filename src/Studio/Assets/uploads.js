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

async function addLora(file) {
    const { model } = document.querySelector('[data-lora-file]')?.dataset ?? {}
    if (!model) return tell('Refused', 'No LoRA can be added to this model.')
    document.body.classList.add('sending')
    try {
        const answer = await fetch(`/api/loras?${new URLSearchParams({ model, file: file.name })}`, { method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream' } })
        const said = await answer.text()
        if (answer.ok) tell('LoraAdded', model, JSON.parse(said).name)
        else tell('Refused', problemOf(said) ?? 'The LoRA could not be added.')
    } catch {
        tell('Refused', 'The LoRA could not be added: it is too large, or the studio is not reachable.')
    }
    document.body.classList.remove('sending')
}

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
    else if (input.files[0]) addLora(input.files[0])
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
    const [file] = event.dataTransfer.files
    if (closest(event, '[data-learn]')) addExamples([...event.dataTransfer.files])
    else if (isLora(file)) addLora(file)
    else open(file)
})

