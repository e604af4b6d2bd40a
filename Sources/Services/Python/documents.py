"""Makes PDFs for Coulisse: HTML to PDF, and several PDFs into one.

One process that stays warm. A request comes on stdin, its answer goes to stdout, and the process ends when stdin does.
Both are frames: the four bytes "CPDF", the length of a header (4 bytes, big-endian), the header (JSON) and then the
parts, whose lengths the header lists under "parts". The first frame is the process's own: ready, or why it can't be.

Documents are made without network and without files: what a document refers to is in it, as a data: URI.
"""

import argparse
import json
import logging
import os
import resource
import select
import shutil
import signal
import struct
import sys
import threading
from io import BytesIO

MAGIC = b"CPDF"
HEADER_LIMIT = 1 << 20
# Where relative references of a document lead, so that they reach the fetcher, which refuses them.
NOWHERE = "https://relative.invalid/-/"


class Refusal(Exception):
    """What is wrong with a request, said to the person who wrote the document."""


class Channel:
    """Frames over two descriptors."""

    def __init__(self, source, sink, input_limit, output_limit):
        self.source = source
        self.sink = sink
        self.input_limit = input_limit
        self.output_limit = output_limit

    def read(self):
        """The next request: header and parts. None at the end of stdin."""
        start = self._exactly(8)
        if start is None:
            return None
        magic, length = start[:4], struct.unpack(">I", start[4:])[0]
        if magic != MAGIC or length > HEADER_LIMIT:
            sys.exit("documents.py: stdin does not hold a frame of Coulisse; this program is started by coulisse")
        raw = self._exactly(length)
        if raw is None:
            return None
        header = json.loads(raw.decode("utf-8"))
        lengths = header.get("parts", [])
        if sum(lengths) > self.input_limit or any(length < 0 for length in lengths):
            sys.exit("documents.py: a request of %d bytes is over the limit" % sum(lengths))
        parts = []
        for length in lengths:
            part = self._exactly(length)
            if part is None:
                return None
            parts.append(part)
        return header, parts

    def write(self, header, parts=()):
        size = sum(len(part) for part in parts)
        if size > self.output_limit:
            header, parts = {
                "ok": False, "kind": "input",
                "error": "the PDF has %.1f MB; at most %.1f MB are allowed" % (size / 1e6, self.output_limit / 1e6),
            }, ()
        raw = json.dumps({**header, "parts": [len(part) for part in parts]}).encode("utf-8")
        self._all(MAGIC + struct.pack(">I", len(raw)) + raw)
        for part in parts:
            self._all(part)

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            chunk = os.read(self.source, min(count - len(data), 1 << 20))
            if not chunk:
                return None
            data += chunk
        return bytes(data)

    def _all(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.sink, view):]


def shown(url):
    """A URL as its author wrote it, shortened."""
    url = url.removeprefix(NOWHERE).removeprefix(NOWHERE[:-3])
    return '"%s"' % (url if len(url) <= 200 else url[:200] + "…")


def refused(url):
    return Refusal(
        "it refers to %s; documents are made without network and files: put images, fonts and style sheets into the "
        "template, as data: URIs" % shown(url))


class Complaints(logging.Handler):
    """Keeps WeasyPrint's first complaint about an image, which it would leave out; the rest (CSS that it does not know)
    is its own affair."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.first = None

    def emit(self, record):
        message = record.getMessage()
        if self.first is None and message.startswith("Failed to"):
            self.first = " ".join(message.split())[:300].replace(NOWHERE, "").rstrip(": ")


class Press:
    """WeasyPrint and pikepdf, imported once."""

    def __init__(self):
        # Imported here, after the limits are set and so that a missing package is an answer.
        import pikepdf
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import FatalURLFetchingError, URLFetcher

        class DataOnly(URLFetcher):
            """Fetches data: URIs. Anything else is remembered and ends the rendering."""

            def __init__(self):
                super().__init__(allowed_protocols=("data",), allow_redirects=False)
                self.refused = None

            def fetch(self, url, headers=None):
                if not url[:5].lower() == "data:":
                    self.refused = self.refused or url
                    raise FatalURLFetchingError(url)
                return super().fetch(url, headers)

        self.weasyprint = weasyprint
        self.pikepdf = pikepdf
        self.fatal = FatalURLFetchingError
        self.fetcher = DataOnly
        self.fonts = FontConfiguration
        weasyprint.LOGGER.propagate = False

    def render(self, text):
        fetcher, complaints = self.fetcher(), Complaints()
        self.weasyprint.LOGGER.handlers = [complaints]
        try:
            page = self.weasyprint.HTML(string=text, base_url=NOWHERE, url_fetcher=fetcher)
            self.check(page.etree_element)
            document = page.render(font_config=self.fonts())
            pdf = document.write_pdf(pdf_identifier=True)
        except self.fatal:
            raise refused(fetcher.refused or "?") from None
        # A reference that was refused where WeasyPrint swallows errors.
        if fetcher.refused:
            raise refused(fetcher.refused)
        if complaints.first:
            raise Refusal("an image can't be drawn (%s)" % complaints.first)
        if not document.pages:
            raise Refusal("it has no pages")
        return pdf, len(document.pages)

    def check(self, root):
        """Refuses what would lead around the fetcher or out of the document."""
        for element in root.iter():
            if element.tag not in ("base", "a", "area", "link"):
                continue
            address = (element.get("href") or "").strip()
            if element.tag == "base" and address:
                raise Refusal("it has <base href=%s>; leave that out" % shown(address))
            if "attachment" in (element.get("rel") or "").lower().split():
                raise Refusal("it attaches %s; a document can't have attachments" % shown(address))
            if element.tag in ("a", "area") and address and not address.startswith("#") and ":" not in address:
                raise Refusal("it links to %s; write the whole address, like https://example.org/" % shown(address))

    def merge(self, names, parts):
        pikepdf = self.pikepdf
        merged = pikepdf.Pdf.new()
        for name, part in zip(names, parts, strict=True):
            if not part:
                raise Refusal('"%s" is empty' % name)
            try:
                source = pikepdf.Pdf.open(BytesIO(part), attempt_recovery=False)
            except pikepdf.PasswordError:
                raise Refusal('"%s" is protected by a password; give it without one' % name) from None
            except pikepdf.PdfError as error:
                reason = "" if part.startswith(b"%PDF-") else ": it does not begin like a PDF"
                print("documents.py: %s: %s" % (name, error), file=sys.stderr)
                raise Refusal('"%s" is damaged or no PDF%s' % (name, reason)) from None
            if source.is_encrypted:
                raise Refusal('"%s" is encrypted; give it without encryption' % name)
            if not len(source.pages):
                raise Refusal('"%s" has no pages' % name)
            # What can't be decoded would be copied as it is, and the client would sign an empty page.
            if any("error decoding" in problem for problem in source.check_pdf_syntax()):
                raise Refusal('"%s" is damaged: some of its content can\'t be read' % name)
            try:
                merged.pages.extend(source.pages)
            except pikepdf.PdfError:
                raise Refusal('"%s" is damaged: its pages can\'t be read' % name) from None
        if not len(merged.pages):
            raise Refusal("there is nothing to merge")
        output = BytesIO()
        try:
            merged.save(output, deterministic_id=True)
        except pikepdf.PdfError as error:
            raise Refusal("the merged PDF can't be written: %s" % error) from None
        return output.getvalue(), len(merged.pages)

    def answer(self, header, parts):
        operation = header.get("op")
        if operation == "ping":
            return {"ok": True}, ()
        if operation == "render":
            try:
                text = parts[0].decode("utf-8")
            except UnicodeDecodeError as error:
                raise Refusal("its text is not UTF-8 at byte %d" % error.start) from None
            pdf, pages = self.render(text)
        elif operation == "merge":
            pdf, pages = self.merge(header["names"], parts)
        else:
            raise Refusal('there is no operation "%s"' % operation)
        return {"ok": True, "pages": pages}, (pdf,)


def end_with_parent(source):
    """Ends this process when its parent is gone, in the middle of a request too. PR_SET_PDEATHSIG would not do: it
    fires when the parent's thread ends, not its process."""

    def watch():
        poll = select.poll()
        poll.register(source, select.POLLRDHUP)
        poll.poll()
        os._exit(0)

    threading.stack_size(1 << 18)
    threading.Thread(target=watch, daemon=True).start()


def close_the_doors(packages):
    """Refuses files, sockets and processes from here on, whoever asks: the second lock behind the fetcher. Modules,
    some of which are imported late, and temporary folders made here can be used: WeasyPrint copies embedded fonts into
    one. Python does not see what C libraries do, so fontconfig still finds the fonts. Answers with the list of the
    temporary folders, which grows."""
    scratch = []
    folders = {os.path.dirname(os.__file__)}
    folders |= {os.path.dirname(os.path.dirname(package.__file__)) for package in packages}
    allowed = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
    closed = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "urllib.Request")

    def hook(event, arguments):
        if event == "open":
            path = arguments[0]
            if isinstance(path, int):
                return
            path = os.path.realpath(os.fsdecode(path))
            if path.startswith(allowed) or any(path == folder or path.startswith(folder + "/") for folder in scratch):
                return
            raise PermissionError("documents are made without files: %s" % path)
        if event == "tempfile.mkdtemp":
            scratch.append(os.path.realpath(arguments[0]))
        if event == "urllib.Request" and str(arguments[0])[:5].lower() == "data:":
            return
        if event.startswith(closed):
            raise PermissionError("documents are made without network and processes: %s" % event)

    sys.addaudithook(hook)
    return scratch


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it closes stdin.
    options = argparse.ArgumentParser(description="Makes PDFs for Coulisse, which starts it.")
    options.add_argument("--memory", type=int, default=1024, help="megabytes of address space")
    options.add_argument("--input", type=int, default=64 << 20, help="bytes of a request's parts")
    options.add_argument("--output", type=int, default=64 << 20, help="bytes of an answer's parts")
    options = options.parse_args()
    # Nothing of the parent's: its descriptors are closed on exec, this is for those that were forgotten.
    os.closerange(3, 1 << 20)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_AS, (options.memory << 20, options.memory << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)

    # Frames have a descriptor of their own: what a library prints on stdout goes to stderr.
    sink = os.dup(1)
    os.dup2(2, 1)
    channel = Channel(0, sink, options.input, options.output)
    end_with_parent(0)

    try:
        press = Press()
        press.render("<p>é€</p>")  # loads the fonts
    except Exception as error:
        channel.write({"ok": False, "kind": "missing", "error": "%s: %s" % (type(error).__name__, error)})
        return
    size = open("/proc/self/statm", "rb", buffering=0)
    scratch = close_the_doors((press.weasyprint, press.pikepdf))
    channel.write({"ok": True})

    while (request := channel.read()) is not None:
        header, parts = request
        # The last resort against an endless request: the alarm's default action ends the process.
        signal.setitimer(signal.ITIMER_REAL, header.get("seconds", 0))
        try:
            answer, results = press.answer(header, parts)
        except Refusal as refusal:
            answer, results = {"ok": False, "kind": "input", "error": str(refusal)}, ()
        except MemoryError:
            answer, results = {"ok": False, "kind": "memory", "error": "out of memory"}, ()
        except RecursionError:
            answer, results = {"ok": False, "kind": "input", "error": "its elements are nested too deeply"}, ()
        except Exception as error:
            # A fault of the libraries; the document that makes it shall be told apart from the others.
            reason = "the PDF library failed on it (%s: %s)" % (type(error).__name__, str(error)[:300])
            answer, results = {"ok": False, "kind": "input", "error": reason}, ()
        signal.setitimer(signal.ITIMER_REAL, 0)
        while scratch:
            shutil.rmtree(scratch[-1], ignore_errors=True)
            scratch.pop()
        size.seek(0)
        used = int(size.read(64).split()[0]) * os.sysconf("SC_PAGE_SIZE")
        # A process that has grown leaves too little for the next document: the parent starts another one.
        answer["spent"] = used * 4 > (options.memory << 20) * 3
        channel.write(answer, results)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        pass  # The parent is gone, and with it whoever wanted the answer.
