import type {Dispatcher} from 'undici'
import {NotSent, TOO_LATE} from './errors.ts'

/** The same connections; `maySend` is asked when a request has got one of them and is about to leave. */
export const withLastLook = (dispatcher: Dispatcher, maySend: () => boolean): Dispatcher =>
  dispatcher.compose((dispatch) => (options, handler) => dispatch(options, looking(handler, maySend)))

const looking = (handler: Dispatcher.DispatchHandler, maySend: () => boolean): Dispatcher.DispatchHandler => ({
  onRequestStart: (...args) => {
    if (!maySend()) throw new NotSent(TOO_LATE)
    handler.onRequestStart?.(...args)
  },
  onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
  onResponseStart: (...args) => handler.onResponseStart?.(...args),
  onResponseData: (...args) => handler.onResponseData?.(...args),
  onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
  onResponseError: (...args) => handler.onResponseError?.(...args),
})
