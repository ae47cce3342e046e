/** The certificate library, in a file of its own so that the bundle loads it only where certificates are made. */
export {generate} from 'selfsigned'
