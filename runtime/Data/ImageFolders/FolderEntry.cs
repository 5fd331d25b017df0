using System.IO.Enumeration;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>One entry of a folder.</summary>
/// <param name="IsFolder">Whether it is a folder or a link to one.</param>
/// <param name="Length">In bytes, of a link's target; -1 for a broken link.</param>
internal readonly record struct FolderEntry(string Name, bool IsFolder, bool IsLink, long Length)
{
    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    public bool LeadsNowhere => Length < 0;

    /// <summary>Files left by file managers and archivers: companion files of macOS (`._cat.jpg`, `__MACOSX`) and all names that begin with a dot.</summary>
    public bool IsHidden => Name.StartsWith('.') || Name == "__MACOSX";

    /// <summary>The entries of a folder, sorted by name (ordinal: upper case first).</summary>
    /// <exception cref="MissingException">The folder cannot be read.</exception>
    public static FolderEntry[] Of(string folder)
    {
        try
        {
            FolderEntry[] entries = [.. new FileSystemEnumerable<FolderEntry>(folder, Make, All)];
            Array.Sort(entries, (one, other) => string.CompareOrdinal(one.Name, other.Name));
            return entries;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(folder, error);
        }
    }

    /// <summary>Why a folder cannot be read, as a sentence; null if it can.</summary>
    public static string? WhyUnreadable(string folder)
    {
        try
        {
            Of(folder);
            return null;
        }
        catch (MissingException error)
        {
            return error.Message;
        }
    }

    /// <exception cref="MissingException">The path cannot be resolved.</exception>
    public static string RealPath(string folder)
    {
        try
        {
            return UnixFiles.RealPath(folder);
        }
        catch (IOException error)
        {
            throw Unreadable(folder, error);
        }
    }

    private static FolderEntry Make(ref FileSystemEntry entry)
    {
        bool isLink = entry.Attributes.HasFlag(FileAttributes.ReparsePoint);
        long length =
            entry.IsDirectory ? 0
            : isLink ? LengthOfTarget(entry.ToFullPath())
            : entry.Length;
        return new(entry.FileName.ToString(), entry.IsDirectory, isLink, length);
    }

    private static long LengthOfTarget(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: true) is FileInfo { Exists: true } target ? target.Length : -1;
        }
        catch (IOException)
        {
            // A cyclic link.
            return -1;
        }
    }

    private static MissingException Unreadable(string folder, Exception error) =>
        new(
            error is UnauthorizedAccessException
                ? $"The folder {folder} cannot be read: permission denied. Allow this account to list and enter it (chmod u+rx)."
                : $"The folder {folder} cannot be read: {error.Message.TrimEnd('.')}.",
            error
        );
}
