namespace ChannelDistillation.Downloads;

/// <summary>Is told how downloads go, one file after the other. Nothing here comes more often than a person could want to see it drawn.</summary>
public interface IDownloadObserver
{
    /// <param name="already">Bytes that are there from an earlier attempt.</param>
    void Started(RemoteFile file, long already);

    /// <param name="bytes">Bytes that are there now; fewer than before where the server had to start anew.</param>
    void Advanced(long bytes);

    /// <summary>The file that was started is there, or was given up.</summary>
    void Ended();

    /// <summary>A sentence for the user: a retry, another process that is waited for.</summary>
    void Say(string message);
}
