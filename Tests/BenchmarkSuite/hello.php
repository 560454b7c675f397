<?php
header('Content-Type: text/plain');
header('Content-Length: 14');
echo "Hello, world!\n";
if ($_SERVER['REQUEST_URI'] === '/task') {
    fastcgi_finish_request();
    usleep(20000);
}
