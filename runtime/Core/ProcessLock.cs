namespace ChannelDistillation.Core;

/// <summary>
/// A lock between processes: a file that one of them holds open. It is the operating system's, so that a killed process leaves none
/// behind; the file itself is removed with the lock.
/// </summary>
public sealed class ProcessLock : IDisposable
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(250);
    private readonly FileStream held;

    private ProcessLock(FileStream held) => this.held = held;

    /// <summary>Waits until nobody else holds the lock.</summary>
    /// <param name="path">The lock's file; its folder is made where it is not there.</param>
    /// <param name="waiting">Called once where somebody else holds it.</param>
    /// <exception cref="OperationCanceledException">Asked to stop while waiting.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be made.</exception>
    public static ProcessLock Take(string path, Action waiting, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var said = false; ; )
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
                if (!said)
                    waiting();
                said = true;
                stop.WaitHandle.WaitOne(BetweenTries);
            }
        }
    }

    public void Dispose()
    {
        // Removed while it is still held, so that nobody takes a file that is about to go. Windows does not allow that.
        if (!OperatingSystem.IsWindows())
            File.Delete(held.Name);
        held.Dispose();
    }

    /// <summary>Whether a locked file is the one of that name. Its last owner may have removed it between our opening and our locking it, and another process
    /// may have made a new one since: then it locks nothing.</summary>
    internal static bool IsStillAt(string path, FileStream file) => UnixFiles.IsSame(file.SafeFileHandle, path) ?? File.Exists(path);

    private static bool IsHeld(IOException error) =>
        error.HResult
        == (
            OperatingSystem.IsWindows() ? WindowsSharingViolation
            : OperatingSystem.IsMacOS() ? MacWouldBlock
            : LinuxWouldBlock
        );
}
