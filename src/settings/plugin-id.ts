/** The id under which host, channel and package are known. In a file of its own: the repair of old settings is loaded without the schema. */
export const PLUGIN_ID = 'libp2p-mesh'
