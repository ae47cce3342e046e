/** One stored object, many versions: an object as a resource's version shows it. */
import type {ApiObject} from './json.ts'
import {apiVersionOf, type Resource} from './resources.ts'

const views = new WeakMap<Resource, WeakMap<ApiObject, ApiObject>>()

/** The stored object itself wherever its version is the one asked for: its JSON is then made only once. */
export function view(resource: Resource, stored: ApiObject): ApiObject {
  const apiVersion = apiVersionOf(resource)
  if (stored.apiVersion === apiVersion && !resource.hooks.fromStored) return stored
  let made = views.get(resource)
  if (!made) {
    made = new WeakMap()
    views.set(resource, made)
  }
  let shown = made.get(stored)
  if (!shown) {
    shown = resource.hooks.fromStored?.(stored) ?? {...stored, apiVersion}
    made.set(stored, shown)
  }
  return shown
}

export const toStored = (resource: Resource, object: ApiObject): ApiObject => resource.hooks.toStored?.(object) ?? object
