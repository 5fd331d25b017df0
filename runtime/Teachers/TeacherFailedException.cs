namespace ChannelDistillation.Teachers;

/// <summary>A teacher could not be trained; the runs that need it cannot start, others can.</summary>
public sealed class TeacherFailedException(string message) : Exception(message);
