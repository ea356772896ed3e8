/*
 * The broker's one instance of its shared state, apart from its main so that handlers
 * can be linked and driven without the process around them.
 */
#include "src/broker/broker.h"

struct broker broker;
