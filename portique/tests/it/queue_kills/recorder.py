"""recorder.py PROGRAM [ARGUMENT]...: runs a worker as it stands, and says what was acknowledged to it."""
import os, runpy, sys, threading, urllib.parse, urllib.request

ask = urllib.request.urlopen


def asked(request, *arguments, **options):
    answer = ask(request, *arguments, **options)
    url = urllib.parse.urlsplit(request.full_url)
    *_, job, verb = url.path.split("/")
    if verb == "complete":
        token = urllib.parse.parse_qs(url.query)["token"][0]
        print("completed", job, token, flush=True)
    return answer


def end_with_who_started_it():
    sys.stdin.read()
    os._exit(0)


urllib.request.urlopen = asked
threading.Thread(target=end_with_who_started_it, daemon=True).start()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
