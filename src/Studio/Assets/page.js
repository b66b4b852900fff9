// The page's component on the server, once the page is live, and what all scripts need.
let page = null

export const closest = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null
export const isWriting = event => closest(event, 'input:not([type=range], [type=checkbox], [type=radio]), textarea, select') !== null
export const isLive = () => page !== null
export const goLive = reference => { page = reference }
export const tell = (name, ...values) => page?.invokeMethodAsync(name, ...values)
