/*
 * samples - an image and a sound, as small as they can be.
 */
#ifndef MOCK_MCP_FEATURES_SAMPLES_H
#define MOCK_MCP_FEATURES_SAMPLES_H

/* One red pixel. */
#define SAMPLE_PNG                                                                     \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4"                     \
	"2mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC"
/* A millisecond of silence. */
#define SAMPLE_WAV                                                                     \
	"UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgA"                     \
	"AACAgICAgICAgA=="

#endif
