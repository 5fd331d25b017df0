namespace ChannelDistillation.Records;

/// <summary>
/// A folder that one process works in, told by a file `.owner` in it. The file needs nothing of the file system but that one of two
/// processes creates it, so that it works on network file systems too. Its owner touches it as long as it lives; an owner that is dead, or has
/// not touched it for long, loses the folder to the next who asks.
/// </summary>
public sealed class Ownership : IDisposable
{
    private readonly string file;
    private readonly string id;
    private readonly ITimer heart;
    private volatile bool lost;

    internal Ownership(string file, string id, TimeSpan beat, TimeProvider time)
    {
        this.file = file;
        this.id = id;
        heart = time.CreateTimer(_ => Beat(), null, beat, beat);
    }

    /// <summary>Whether the folder is still this process's: not after it slept so long that another took it over.</summary>
    public bool IsHeld => !lost;

    /// <summary>Gives the folder back.</summary>
    public void Dispose()
    {
        // Until a beat that has begun is over: it must not touch the file of whoever comes next.
        heart.DisposeAsync().AsTask().Wait();
        try
        {
            if (!lost && Owner.Read(file)?.Id == id)
                File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever wants the folder sees that this process has ended.
        }
    }

    private void Beat()
    {
        try
        {
            if (Owner.Read(file)?.Id == id)
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow);
            else
                lost = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A file system that does not answer may answer the next time.
        }
    }
}
