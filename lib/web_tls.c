#include "lib/web_tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>

bool web_tls_knows_client(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned status;

	/* Fails where no certificate was shown. */
	return info && info->tls_session &&
		gnutls_certificate_verify_peers(
			info->tls_session, &purpose, 1, &status) == GNUTLS_E_SUCCESS &&
		status == 0;
}
