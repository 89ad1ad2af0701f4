export {teacherFromScores, type ScoresTeacherOptions} from './black-box.js';
export {describeTeacher, type MethodSupport, type TeacherDescription, type TeacherUse} from './describe-teacher.js';
export {explanationDecoder, type ExplanationDecoderOptions, type TapShape} from './explanation-decoder.js';
export {executeGraph, listLayers, type ExecuteOptions, type LayerInfo, type LayerVisit} from './graph/execute-graph.js';
export {residualStudent, type ResidualStudentOptions} from './students/residual-student.js';
export {studentFromModel, type StudentFromModelOptions} from './students/student-from-model.js';
export {attentionSites, studentFromTeacher, type AttentionSite, type StudentFromTeacherOptions} from './students/student-from-teacher.js';
export {type Student, type StudentBuilder, type StudentBuilderOptions} from './students/student.js';
export {
  scoresFromLabels,
  scoresFromOnnx,
  type LabelScore,
  type OnnxScoresOptions,
  type OnnxSession,
  type OnnxTensorClass,
} from './score-adapters.js';
export {teacherFromGraphModel, type GraphTeacherOptions} from './teacher-from-graph-model.js';
export {teacherFromLayersModel, type TeacherOptions} from './teacher-from-layers-model.js';
