#include <curl/curl.h>
#include <stdio.h>

// curl_easy_setopt is variadic, so Swift does not import it. Each function here is curl_easy_setopt for
// the one type of value that its options take, so that Swift checks that type.

static inline CURLcode ccurl_set_string(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode ccurl_set_long(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode ccurl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}

// With no read function of one's own, curl reads what it uploads from a FILE.
static inline CURLcode ccurl_set_upload(CURL *curl, FILE *file, curl_off_t bytes) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    if (code == CURLE_OK) code = curl_easy_setopt(curl, CURLOPT_READDATA, file);
    if (code == CURLE_OK) code = curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, bytes);
    return code;
}

// curl writes its message there; `buffer` holds CURL_ERROR_SIZE bytes and outlives the transfer.
static inline CURLcode ccurl_set_error_buffer(CURL *curl, char *buffer) {
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, buffer);
}

// CURL_GLOBAL_ALL is a macro with a cast, which Swift does not import.
static inline CURLcode ccurl_global_init(void) {
    return curl_global_init(CURL_GLOBAL_ALL);
}
