/** Words of default labels: short, plain, friendly, easy to say. 64 x 64 pairs; a label is decoration, so two alike do no harm. */
export const ADJECTIVES = (
  'amber ample apt azure bold brave bright brisk calm candid clear clever cosy crisp dapper deft eager early fair fond ' +
  'fresh gentle glad golden grand green handy happy hardy jolly keen kind lively loyal lucky mellow merry mild misty modest ' +
  'neat nimble noble olive patient plucky polite proud quick quiet rapid ready rosy silver snug steady sunny swift tidy ' +
  'vivid warm wise witty young'
).split(' ')

export const NOUNS = (
  'acorn alder aspen badger beaver birch bison brook cedar cliff clover comet condor coral crane creek daisy dolphin ' +
  'eagle ember falcon fern finch fjord fox glade harbor hare hazel heron ibis island ivy jay juniper kestrel lake lark ' +
  'linden lotus lynx maple marten meadow moss oak otter owl panda pebble pine puffin quail raven reed robin seal sparrow ' +
  'spruce stork summit tulip willow wren'
).split(' ')
