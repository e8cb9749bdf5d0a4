/** Where the administrators' pages about applications are. */
export const applicationsPath = '/admin/applications'
/** Not below the other one: an application could have any ID. */
export const newApplicationPath = '/admin/new-application'
export const applicationPage = (id: string): `/admin/applications/${string}` => `${applicationsPath}/${id}`
