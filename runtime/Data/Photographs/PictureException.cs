namespace ChannelDistillation.Data.Photographs;

/// <summary>A file is no picture that can be read.</summary>
/// <param name="reason">What is wrong, as a clause: "it ends before the picture does".</param>
internal sealed class PictureException(string reason, Exception? inner = null) : Exception(reason, inner);
