/** The YAML library, in a file of its own so that it is loaded only when YAML is read or written. */
export {isMap, isScalar, isSeq, LineCounter, parseAllDocuments, parseDocument, stringify} from 'yaml'
