using System.Net;
using System.Net.Http.Headers;
using ChannelDistillation.Core;

namespace ChannelDistillation.Downloads;

/// <summary>Downloads one file in several attempts; each requests the missing part and appends what it receives.</summary>
internal sealed class HttpTransfer(RemoteFile file, DownloadAddress address, DownloadSettings settings, IWorkObserver observer)
{
    private const int BufferSize = 1 << 17;

    private const int MostRedirections = 10;

    // Redirections are followed manually, because HttpClient follows them to any kind of address.
    private static readonly HttpClient Client = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(30), AllowAutoRedirect = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Address of the last request.</summary>
    private Uri current = address.Uri;

    /// <summary>Whether the server cannot resume: a partial file is then no help to the next attempt.</summary>
    public bool CannotResume { get; private set; }

    /// <summary>Whether the host name was resolved before. If it never was, it is misspelt, or there is no network.</summary>
    private bool hasAnswered;

    /// <exception cref="TransferException">Another attempt may succeed; the downloaded part is kept.</exception>
    /// <exception cref="MissingException">Another attempt would fail as well.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task Run(PartialFile part, CancellationToken stop)
    {
        using var stall = new CancellationTokenSource(settings.Stall, settings.Time);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stop, stall.Token);
        try
        {
            using HttpResponseMessage response = await Request(part, cancel.Token);
            Prepare(part, response);
            await using Stream body = await response.Content.ReadAsStreamAsync(cancel.Token);
            await Copy(body, part, stall, cancel.Token);
        }
        catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
        {
            throw new TransferException($"the server sent nothing for {settings.Stall.TotalSeconds:0.#} seconds", error);
        }
        catch (HttpIOException error) when (error.HttpRequestError == HttpRequestError.ResponseEnded)
        {
            throw Ended(error);
        }
        catch (HttpRequestException error) when (error.HttpRequestError == HttpRequestError.NameResolutionError && !hasAnswered)
        {
            throw DownloadProblems.NoSuchHost(address, current.Host, part.Target, part.Length, error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new TransferException((error.InnerException ?? error).Message.TrimEnd('.'), error);
        }

        if (part.Length < file.Bytes)
            throw Ended();
    }

    /// <summary>Requests the missing part, following redirections.</summary>
    private async Task<HttpResponseMessage> Request(PartialFile part, CancellationToken stop)
    {
        current = address.Uri;
        for (var redirections = 0; ; redirections++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, current);
            request.Headers.Range = part.Length > 0 ? new RangeHeaderValue(part.Length, null) : null;
            request.Headers.Authorization = address.IsOfSameServer(current) ? address.Credentials : null;
            HttpResponseMessage response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            hasAnswered = true;
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                return response;
            using (response)
            {
                string location = response.Headers.NonValidated.TryGetValues("Location", out HeaderStringValues values) ? values.ToString() : "";
                if (!Uri.TryCreate(current, location, out Uri? next) || location == "" || next is not { Scheme: "http" or "https", Host: not "" })
                    throw Redirected($"to `{DownloadAddress.Shown(location)}`, which is not an http or https address");
                if (current.Scheme == "https" && next.Scheme == "http")
                    throw Redirected($"to `{DownloadAddress.Shown(next)}`, which is not encrypted");
                if (redirections == MostRedirections)
                    throw Redirected($"more than {MostRedirections} times");
                current = new DownloadAddress(next).Uri;
            }
        }

        MissingException Redirected(string why) => DownloadProblems.Redirected(address, part.Target, why);
    }

    private static TransferException Ended(Exception? error = null) => new("the connection was closed before the file was complete", error);

    /// <summary>Truncates the partial file to where the response begins.</summary>
    private void Prepare(PartialFile part, HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            part.Restart();
            throw new TransferException("the server's file is shorter than the downloaded part");
        }

        if (!response.IsSuccessStatusCode)
            throw DownloadProblems.IsTransient(response.StatusCode)
                ? new TransferException($"the server returned {(int)response.StatusCode} ({response.StatusCode})")
                : DownloadProblems.Refused(address, part.Target, response.StatusCode);

        HttpContentHeaders headers = response.Content.Headers;
        if (headers.ContentType?.MediaType is "text/html" or "application/xhtml+xml")
            throw DownloadProblems.WebPage(address, part.Target);

        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            if (headers.ContentRange?.From != part.Length)
            {
                part.Restart();
                throw new TransferException("the server sent another part of the file than requested");
            }

            CheckSize(headers.ContentRange.Length);
            part.Continue();
            return;
        }

        CheckSize(headers.ContentLength);
        if (part.Length > 0)
        {
            CannotResume = true;
            observer.Say($"The server cannot resume {file.Name}; the download restarts.");
        }
        part.Restart();
        observer.Advanced(0);
    }

    private void CheckSize(long? announced)
    {
        if (announced is { } bytes && bytes != file.Bytes)
            throw DownloadProblems.OtherSize(address, file, bytes);
    }

    private async Task Copy(Stream body, PartialFile part, CancellationTokenSource stall, CancellationToken cancel)
    {
        var buffer = new byte[BufferSize];
        while (await body.ReadAsync(buffer, cancel) is var read and > 0)
        {
            stall.CancelAfter(settings.Stall);
            if (part.Length + read > file.Bytes)
            {
                part.Restart();
                throw DownloadProblems.TooLong(address, file);
            }

            part.Append(buffer.AsSpan(0, read));
            observer.Advanced(part.Length);
        }
    }
}

/// <summary>An attempt that may succeed when it is repeated. The message says what happened: `the server returned 503 (ServiceUnavailable)`.</summary>
internal sealed class TransferException(string message, Exception? inner = null) : Exception(message, inner);
