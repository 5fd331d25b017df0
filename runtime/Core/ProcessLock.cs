namespace ChannelDistillation.Core;

/// <summary>
/// A lock between processes, held through an open file. The operating system releases it when a process is killed. The file is removed
/// when the lock is released.
/// </summary>
public sealed class ProcessLock : IDisposable
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);
    private readonly FileStream held;

    private ProcessLock(FileStream held) => this.held = held;

    /// <summary>Waits until no other process holds the lock, and takes it.</summary>
    /// <param name="path">The lock file. Its folder is created if needed.</param>
    /// <param name="waiting">Called once if another process holds the lock.</param>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    /// <exception cref="IOException">The file cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to create the file.</exception>
    public static ProcessLock Take(string path, Action waiting, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var isReported = false; ; )
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                if (IsStillAt(path, file))
                    return new(file);
                file.Dispose();
            }
            catch (IOException error) when (IsHeld(error))
            {
                if (!isReported)
                    waiting();
                isReported = true;
                stop.WaitHandle.WaitOne(RetryInterval);
            }
        }
    }

    public void Dispose()
    {
        // Removed while it is still held, so that no process locks a file that is about to be deleted. Windows does not allow this.
        if (!OperatingSystem.IsWindows())
            File.Delete(held.Name);
        held.Dispose();
    }

    /// <summary>Whether a locked file still has its name. The last owner may have removed it between our opening and locking it, and another process
    /// may have created a new one: then this lock protects nothing.</summary>
    internal static bool IsStillAt(string path, FileStream file) => UnixFiles.IsSame(file.SafeFileHandle, path) ?? File.Exists(path);

    private static bool IsHeld(IOException error) =>
        error.HResult
        == (
            OperatingSystem.IsWindows() ? WindowsSharingViolation
            : OperatingSystem.IsMacOS() ? MacWouldBlock
            : LinuxWouldBlock
        );
}
