/*
 * controllers - the simulated controller manager: deployments make replica sets, those
 * make pods, services get endpointslices, and what lost its owner is deleted.
 *
 * A rolling update goes as the deployment controller's rolling.go goes: up to maxSurge
 * more pods than are wanted, and never fewer available ones than maxUnavailable allows.
 */
#ifndef KUBE_FAKE_CONTROLLERS_H
#define KUBE_FAKE_CONTROLLERS_H

#include "kube-fake/fake.h"

struct controllers *controllers_create(struct kube_fake *fake);
void controllers_destroy(struct controllers *controllers); /* accepts NULL */

/* Each change of the store: they look at everything in the loop's next turn. */
void controllers_notice(struct controllers *controllers, const struct change *change);

#endif
